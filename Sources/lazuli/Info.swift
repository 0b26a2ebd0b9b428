import ArgumentParser
import Checkpoints
import Glibc
import Images
import Vocabulary

/// `lazuli info FILE`
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the recipe of a picture, or the facts of a checkpoint.")

    @Argument(help: "A PNG, JPEG or WebP file, a checkpoint, or a folder of one.")
    var file: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        try reportingFailures {
            do {
                let picture = try PictureFile(file)
                if let bytes = picture.bytes {
                    try show(PictureFacts(bytes))
                } else {
                    try show(Self.checkpoint(file, unlessPicture: picture.unread))
                }
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(Exit.badInput, "\(error)")
            }
        }
    }

    /// What is no checkpoint may be a picture, which then says better what is wrong.
    private static func checkpoint(_ path: String, unlessPicture unread: ImageError?) throws -> CheckpointFacts {
        do { return try CheckpointFacts(path) } catch { throw unread ?? error }
    }

    private func show(_ facts: some Encodable & CustomStringConvertible) throws {
        if json { try Console.print(json: facts) } else { try Console.print(facts) }
    }
}

/// The bytes of a file that begins like a picture.
struct PictureFile {
    /// nil when the file is something else.
    let bytes: [UInt8]?
    /// Set when the file looks like a picture of a format that is not read.
    let unread: ImageError?

    init(_ path: String) throws {
        guard access(path, F_OK) == 0 else {
            throw Failure(Exit.badInput, "\"\(path)\" cannot be read: \(String(cString: strerror(errno))).")
        }
        guard !Paths.isFolder(path) else {
            (bytes, unread) = (nil, nil)
            return
        }
        let content = try MappedFile(path: path)
        (bytes, unread) = withExtendedLifetime(content) {
            do throws(ImageError) {
                _ = try ImageFormat(Array(content.bytes.prefix(16)))
                return (Array(content.bytes), nil)
            } catch {
                if case .unsupported = error { return (nil, error) }
                return (nil, nil)
            }
        }
    }
}

/// What a picture file says of itself.
private struct PictureFacts: Encodable, CustomStringConvertible {
    let format: String
    let width, height: Int
    let parameters, recipe: String?

    init(_ bytes: [UInt8]) throws {
        let header = try Image.header(bytes)
        let metadata = try Metadata(reading: bytes)
        format = header.format.rawValue
        width = header.width
        height = header.height
        parameters = metadata.parameters
        recipe = metadata.recipe
    }

    var description: String {
        var lines = ["\(format) \(width)x\(height)"]
        if let parameters { lines.append(parameters) }
        lines.append(recipe ?? "It carries no recipe of Lazuli.")
        return lines.joined(separator: "\n")
    }
}

/// What a checkpoint holds.
private struct CheckpointFacts: Encodable, CustomStringConvertible {
    let files: [String]
    let tensors, bytes: Int
    let types: [String: Int]
    let layout: String?

    init(_ path: String) throws {
        let store = try CheckpointStore(path: path)
        files = store.files
        tensors = store.count
        bytes = store.byteCount
        types = store.names.reduce(into: [:]) { $0[store.typeName($1) ?? "unknown", default: 0] += 1 }
        layout = OriginalCheckpoint.kind(of: store).map { "original Stable Diffusion (\($0.rawValue))" }
    }

    var description: String {
        let kinds = types.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        let lines = files + ["\(tensors) tensors, \(bytes >> 20) MiB: \(kinds)"] + [layout].compactMap { $0 }
        return lines.joined(separator: "\n")
    }
}
