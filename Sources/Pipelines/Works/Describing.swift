// The facts of a picture, without any model: its size, its colours, the recipe it carries.

import Images
package import JSON
import Kinds
import Vocabulary

package struct Describing: KindWork {
    private enum Phase: Sendable {
        case read
        case describe(Image, Image.Header, Metadata)
        case done(Describe.Result)
    }

    private let path: String?
    private let parameters: Describe
    private var phase = Phase.read
    package let need = Need()

    init(_ parameters: Describe, inputs: [Blob: String], resume: Checkpoint?) {
        self.parameters = parameters
        path = inputs[parameters.image]
    }

    package var next: Slice? {
        switch phase {
        case .read: Slice(.load)
        case .describe: Slice(.generate)
        case .done: nil
        }
    }

    package mutating func advance(_ desk: Desk) throws {
        switch phase {
        case .read:
            guard let path, let bytes = readFile(path) else {
                throw PipelineError.request(
                    parameter: "image", fact: "the file \(parameters.image.sha256) is not there",
                    remedy: "upload it again")
            }
            guard digest(bytes) == parameters.image.sha256 else {
                throw PipelineError.request(
                    parameter: "image", fact: "the file \(parameters.image.sha256) has other content",
                    remedy: "upload it again")
            }
            phase = .describe(try Image.decode(bytes), try Image.header(bytes), try Metadata(reading: bytes))
        case .describe(let image, let header, let metadata):
            let text = PictureFacts(image, header, metadata).text
            desk.write(text)
            phase = .done(Describe.Result(text: text, parameters: metadata.parameters))
        case .done: preconditionFailure("a work that is done does not advance")
        }
    }

    /// Describing takes no longer than reading the checkpoint would.
    package func checkpoint() -> Checkpoint? { nil }

    package func result() throws -> JSON {
        guard case .done(let result) = phase else { preconditionFailure("a work that is not done has no result") }
        return try result.asJSON()
    }

    /// The largest picture that is decoded, as samples and as the luma beside them.
    static func appraise(
        _ parameters: Describe, inputs: [Blob: String], _ workshop: Workshop
    ) -> JobAppraisal {
        JobAppraisal(
            estimate: Estimate(
                memoryBytes: workshop.ownBytes + 2 * ImageLimits().decodedBytes,
                budgetBytes: workshop.residents.budgetBytes))
    }
}
