import API
import ArgumentParser
import Client
import Images
import JSON
import Kinds
import Vocabulary

/// `lazuli verify FILE`
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw a picture again from the recipe in its file, and compare.",
        discussion: """
            The pixels are the same on the same checkpoint, version and kernels; the recipe names all three. What was drawn \
            from a picture needs that picture again.
            """)

    @Argument(help: "A PNG, JPEG or WebP file that Lazuli wrote.")
    var file: String

    @Option(help: ArgumentHelp("The picture that it was drawn from.", valueName: "file"))
    var image: String?

    @Option(help: ArgumentHelp("The mask that it was drawn with.", valueName: "file"))
    var mask: String?

    @Option(name: .shortAndLong, help: "Keep the new picture in this file.")
    var output: String?

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let destination = Destination(file: output)
            try destination.check()
            let original = try read()
            let (body, inputs) = try recipe(original)
            let sources = try inputs.map { try source($0.option, $0.path, $0.blob) }
            let client = try daemon.client()
            for source in sources { try source.upload(to: client) }
            let job = try client.submit(body)
            let done = try Follower(client: client, quiet: daemon.quiet).wait(for: job.id).succeeded()
            guard let picture = done.outputs.first else {
                throw Failure(Exit.internalFailure, "Job \(done.id) has no picture.")
            }
            let bytes = try client.output(picture)
            if output != nil { _ = try destination.write(done, from: client) }
            guard try decode(bytes) == decode(original) else {
                throw Failure(
                    Exit.badInput,
                    "\(file) differs from what its recipe draws here: another version, checkpoint or instruction set made it, "
                        + "or it was changed since.")
            }
            try Console.print("\(file): the same pixels")
        }
    }

    private func read() throws -> [UInt8] {
        guard let bytes = try PictureFile(file).bytes else {
            throw Failure(Exit.badInput, "\(file) is neither PNG nor JPEG nor WebP.")
        }
        return bytes
    }

    private func decode(_ bytes: [UInt8]) throws -> Images.Image {
        do { return try Image.decode(bytes) } catch { throw Failure(Exit.badInput, "\(file): \(error)") }
    }

    private typealias Input = (option: String, path: String?, blob: Blob)

    /// The job that the recipe in a picture asks for, and the pictures that it reads.
    private func recipe(_ bytes: [UInt8]) throws -> (body: JSON, inputs: [Input]) {
        do {
            guard let text = try Metadata(reading: bytes).recipe else {
                throw Failure(Exit.badInput, "\(file) carries no recipe of Lazuli.")
            }
            let recipe = try JSON(Array(text.utf8)).asObject
            guard let request = recipe?["request"]?.asObject else {
                throw Failure(Exit.badInput, "\(file): its recipe holds no request.")
            }
            switch recipe?["kind"]?.asString ?? Kinds.Generate.kind.rawValue {
            case Kinds.Generate.kind.rawValue:
                let request = try Kinds.Generate(request)
                let inputs = [("--image", image, request.image), ("--mask", mask, request.mask)]
                return (
                    JobBody.write(request, strict: true),
                    inputs.compactMap { option, path, blob in blob.map { (option, path, $0) } }
                )
            case Kinds.Edit.kind.rawValue:
                let request = try Kinds.Edit(request)
                return (JobBody.write(request, strict: true), [("--image", image, request.image)])
            case let other:
                throw Failure(
                    Exit.badInput, "\(file): its recipe is of the kind \(other), which this version cannot draw.")
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as RequestError {
            throw Failure(Exit.badInput, "\(file): its recipe cannot be drawn: \(error.body.message)")
        } catch {
            throw Failure(Exit.badInput, "\(file): its recipe cannot be read: \(error)")
        }
    }

    /// A picture that the recipe names by its content.
    private func source(_ option: String, _ path: String?, _ blob: Blob) throws -> SourceFile {
        guard let path else {
            throw Failure(
                Exit.badInput, "\(file) was drawn from a file with the SHA-256 \(blob.sha256). Name it with \(option).")
        }
        let source = try SourceFile(path)
        guard source.blob == blob else {
            throw Failure(
                Exit.badInput,
                "\(path) has the SHA-256 \(source.blob.sha256), and \(file) was drawn from \(blob.sha256). Name that file "
                    + "with \(option).")
        }
        return source
    }
}
