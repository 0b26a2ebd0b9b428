import ArgumentParser
import Client
import Kinds
import Vocabulary

/// `lazuli upscale FILE`
struct Upscale: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Enlarge a picture.",
        discussion: "`make upscaler` fetches networks; without one, -m lanczos resamples.")

    @Argument(help: "A PNG, JPEG or WebP file, or - for standard input.")
    var file: String

    @Option(
        name: .shortAndLong,
        help: "Use this upscaler; `lazuli models list` names them, and lanczos needs none of them.")
    var model: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write to this file, in the format of its extension, or to - for standard output.", valueName: "file"))
    var output: String?

    @Option(help: "Make the picture this many times as wide and high. Default: the upscaler's own factor.")
    var scale: Int?

    @Option(help: "Width of the result in pixels.")
    var width: Int?

    @Option(help: "Height of the result in pixels.")
    var height: Int?

    @Option(help: "Arithmetic. Default: the fastest that this machine and the model allow.")
    var precision: Precision?

    @Option(help: "File format. Default: by the output's extension, else png.")
    var format: ImageFormat?

    @Option(help: "JPEG or WebP quality, 1 to 100; a WebP of 100 is lossless.")
    var quality = 95

    @OptionGroup
    var submission: SubmissionOptions

    /// What the daemon takes.
    private static let limit = 64 << 20

    func run() throws {
        try reportingFailures {
            var parameters = Kinds.Upscale(image: Blob(sha256: String(repeating: "0", count: 64)))
            let named = try output.flatMap { try ImageFormat(fileName: $0) }
            if let format, let named, format != named {
                throw Failure(
                    Exit.usage, "The output is named as \(named.rawValue) but --format is \(format.rawValue).")
            }
            (parameters.model, parameters.scale) = (model, scale)
            (parameters.width, parameters.height) = (width, height)
            (parameters.precision, parameters.format) = (precision, format ?? named ?? .png)
            parameters.quality = quality
            // What is wrong with the options shows before anything is sent.
            _ = try submission.body(parameters)
            let destination = Destination(file: output)
            if !submission.detach { try destination.check(json: submission.json) }
            let bytes = try Paths.read(file, limit: Self.limit)
            let client = try submission.daemon.client()
            parameters.image = try client.upload(bytes)
            guard let job = try submission.run(try submission.body(parameters), on: client) else { return }
            try destination.deliver(job, from: client, json: submission.json)
        }
    }
}
