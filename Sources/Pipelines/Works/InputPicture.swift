// The pictures that a job reads.

import Images
import Kinds
import Vocabulary

/// A blob that is a picture, and the parameter that names it.
struct InputPicture: Sendable {
    let parameter: String
    private let blob: Blob
    private let path: String?

    init(_ parameter: String, _ blob: Blob, _ inputs: [Blob: String]) {
        self.parameter = parameter
        self.blob = blob
        path = inputs[blob]
    }

    /// Its bytes, which must be those that its name promises.
    private func bytes() throws(PipelineError) -> [UInt8] {
        guard let path, let bytes = readFile(path) else { throw fault("the file \(blob.sha256) is not there") }
        guard digest(bytes) == blob.sha256 else { throw fault("the file \(blob.sha256) has other content") }
        return bytes
    }

    private func fault(_ fact: String) -> PipelineError {
        .request(parameter: parameter, fact: fact, remedy: "upload it again")
    }

    /// The picture, upright.
    func image() throws(PipelineError) -> Image {
        let bytes = try bytes()
        do throws(ImageError) {
            return try Image.decode(bytes)
        } catch {
            throw .picture(parameter: parameter, error)
        }
    }

    /// Size of the upright picture, from its header.
    func size() throws(PipelineError) -> PixelSize {
        guard let path, let bytes = readFile(path) else { throw fault("the file \(blob.sha256) is not there") }
        do throws(ImageError) {
            let header = try Image.header(bytes)
            return header.orientation >= 5
                ? PixelSize(width: header.height, height: header.width)
                : PixelSize(width: header.width, height: header.height)
        } catch {
            throw .picture(parameter: parameter, error)
        }
    }
}
