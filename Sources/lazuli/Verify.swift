import API
import ArgumentParser
import Client
import Images
import JSON
import Kinds

/// `lazuli verify FILE`
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw a picture again from the recipe in its file, and compare.",
        discussion: "The pixels are the same on the same checkpoint, version and kernels; the recipe names all three.")

    @Argument(help: "A PNG, JPEG or WebP file that Lazuli wrote.")
    var file: String

    @Option(name: .shortAndLong, help: "Keep the new picture in this file.")
    var output: String?

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let destination = Destination(file: output)
            try destination.check()
            let original = try read()
            let request = try recipe(original)
            let client = try daemon.client()
            let job = try client.submit(JobBody.write(request, strict: true))
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

    /// The request that the recipe in a picture keeps.
    private func recipe(_ bytes: [UInt8]) throws -> Kinds.Generate {
        do {
            guard let text = try Metadata(reading: bytes).recipe else {
                throw Failure(Exit.badInput, "\(file) carries no recipe of Lazuli.")
            }
            guard let request = try JSON(Array(text.utf8)).asObject?["request"]?.asObject else {
                throw Failure(Exit.badInput, "\(file): its recipe holds no request.")
            }
            return try Kinds.Generate(request)
        } catch let failure as Failure {
            throw failure
        } catch let error as RequestError {
            throw Failure(Exit.badInput, "\(file): its recipe cannot be drawn: \(error.body.message)")
        } catch {
            throw Failure(Exit.badInput, "\(file): its recipe cannot be read: \(error)")
        }
    }
}
