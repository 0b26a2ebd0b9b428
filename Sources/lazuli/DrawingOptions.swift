import ArgumentParser
import Client
import Digests
import Kinds
import Vocabulary

extension Precision: ExpressibleByArgument {}
extension RandomSource: ExpressibleByArgument {}
extension ImageFormat: ExpressibleByArgument {}
extension MetadataLevel: ExpressibleByArgument {}
extension TruncationPolicy: ExpressibleByArgument {}
extension MaskedContent: ExpressibleByArgument {}
extension Prediction: ExpressibleByArgument {}
extension TimestepSpacing: ExpressibleByArgument {}
extension UnmaskedPixels: ExpressibleByArgument {}
extension PromptSyntax: ExpressibleByArgument {}
extension SizeFit: ExpressibleByArgument {}

/// Options of the commands that draw.
struct DrawingOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Use this model, by its name or its file; `lazuli models list` names them.")
    var model: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write to this file, in the format of its extension; several pictures get -1, -2, … before it. A single "
                + "one may go to - for standard output.",
            valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("Keep this out of the picture.", valueName: "text"))
    var negative: String?

    @Option(help: ArgumentHelp("Do without this many of the last layers of CLIP's text encoder.", valueName: "layers"))
    var clipSkip: Int?

    @Option(
        help: ArgumentHelp(
            "Size in pixels. Default: the picture's that it begins from, else the model's.", valueName: "WxH"))
    var size: Size?

    @Option(help: "Denoising steps.")
    var steps: Int?

    @Option(help: "Scale of the guidance by the prompt.")
    var guidance: Double?

    @Option(help: ArgumentHelp("Sampler.", valueName: "name"))
    var sampler: String?

    @Option(help: ArgumentHelp("Noise schedule.", valueName: "name"))
    var schedule: String?

    @Option(help: "Shift of the noise schedule of flow models.")
    var shift: Double?

    @Option(help: "What the network predicts. Default: what the checkpoint says.")
    var prediction: Prediction?

    @Option(help: "Spacing of the timesteps. Default: the checkpoint's.")
    var spacing: TimestepSpacing?

    @Flag(
        inversion: .prefixedNo,
        help: "Rescale the noise schedule so that it ends without signal. Default: as the checkpoint says.")
    var zeroSnr: Bool?

    @Option(help: ArgumentHelp("Keep this much of the unguided prediction's contrast, 0 to 1.", valueName: "part"))
    var guidanceRescale: Double?

    @Option(help: ArgumentHelp("Use the autoencoder of this model.", valueName: "model"))
    var vae: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seed of the first picture; the next ones count up from it. Default, and -1: random.", valueName: "number"))
    var seed: Seed?

    @Option(name: .short, help: "Number of pictures.")
    var number = 1

    @Option(help: "Arithmetic. Default: the fastest that this machine and the model allow.")
    var precision: Precision?

    @Option(help: "Random numbers as PyTorch draws them on a CPU (torch) or on a GPU (philox).")
    var rng: RandomSource = .torch

    @Option(help: "File format. Default: by the output's extension, else png.")
    var format: ImageFormat?

    @Option(help: "JPEG or WebP quality, 1 to 100; a WebP of 100 is lossless.")
    var quality = 95

    @Option(help: "How much of the recipe the file carries.")
    var metadata: MetadataLevel = .full

    @Option(help: "What becomes of a prompt that is too long: cut with a warning (warn), or an error.")
    var onTruncate: TruncationPolicy = .warn

    @Option(help: "How prompts are read: as they stand (plain), or with weights as AUTOMATIC1111 reads them.")
    var promptSyntax: PromptSyntax = .plain

    @Option(
        help: ArgumentHelp(
            "Let the autoencoder work on this many lines of pixels at a time. Default: all, or as many as fit.",
            valueName: "lines"))
    var band: Int?

    @Option(
        help: ArgumentHelp(
            "Then make the pictures this many times as wide and high, 1 to 8; see `lazuli upscale`.", valueName: "times"
        ))
    var upscale: Int?

    @Option(help: ArgumentHelp("Upscaler for --upscale. Default: as `lazuli upscale` has it.", valueName: "name"))
    var upscaler: String?

    @Option(help: "Show previews on this terminal: by what it can (auto), or as kitty, sixel or blocks.")
    var preview: PreviewStyle?

    /// Puts what was asked for into the parameters of a kind.
    func fill(_ parameters: inout some DrawingParameters) throws {
        let wanted = try fileFormat()
        parameters.model = model
        parameters.negativePrompt = negative
        parameters.clipSkip = clipSkip
        parameters.width = size?.width
        parameters.height = size?.height
        parameters.steps = steps
        parameters.guidance = guidance
        parameters.sampler = sampler
        parameters.schedule = schedule
        parameters.shift = shift
        parameters.prediction = prediction
        parameters.spacing = spacing
        parameters.zeroSNR = zeroSnr
        parameters.guidanceRescale = guidanceRescale
        parameters.vae = vae
        parameters.seed = seed?.value
        parameters.count = number
        parameters.precision = precision
        parameters.rng = rng
        // A picture that is to be enlarged is compressed once.
        parameters.format = upscale == nil ? wanted : .png
        parameters.quality = quality
        parameters.metadata = metadata
        parameters.onTruncate = onTruncate
        parameters.promptSyntax = promptSyntax == .plain ? nil : promptSyntax
        parameters.band = band
        if preview?.shown != nil, Console.isTerminal { parameters.previews = 10 }
    }

    /// The format of the files.
    func fileFormat() throws -> ImageFormat {
        let named = try output.flatMap { try ImageFormat(fileName: $0) }
        if let format, let named, format != named {
            throw Failure(Exit.usage, "The output is named as \(named.rawValue) but --format is \(format.rawValue).")
        }
        return format ?? named ?? .png
    }

    /// Submits a drawing, after `attach` has uploaded its pictures, and delivers what it made. `series` is its number
    /// where several drawings follow each other.
    func draw<Parameters: DrawingParameters>(
        _ parameters: Parameters, _ submission: SubmissionOptions, series: Int? = nil,
        attach: (inout Parameters, DaemonClient) throws -> Void = { _, _ in }
    ) throws {
        var parameters = parameters
        if let fact = enlargingFault(submission) { throw Failure(Exit.usage, fact) }
        // What is wrong with the options shows before anything is sent.
        _ = try submission.body(parameters)
        let destination = try Destination(file: output, series: series)
        if !submission.detach { try destination.check(count: number, json: submission.json) }
        let client = try submission.daemon.client()
        try checkUpscaler(client)
        parameters.model = try parameters.model.map { try ModelName.resolved($0, client) }
        parameters.vae = try parameters.vae.map { try ModelName.resolved($0, client) }
        try attach(&parameters, client)
        let picture = Console.isTerminal ? TerminalPicture(preview) : nil
        guard let job = try submission.run(try submission.body(parameters), on: client, picture: picture) else {
            return
        }
        try destination.deliver(
            try enlarged(job, submission, client), from: client, json: submission.json)
    }
}

/// A picture that a command sends.
struct SourceFile {
    private let bytes: [UInt8]
    /// The name under which the daemon keeps it.
    let blob: Blob

    /// Reads a PNG, JPEG or WebP file; `-` is standard input.
    init(_ path: String) throws {
        bytes = try Paths.read(path, limit: 64 << 20)
        blob = Blob(sha256: SHA256.hexadecimal(of: bytes))
    }

    func upload(to client: DaemonClient) throws {
        _ = try client.upload(bytes)
    }
}

/// A seed as other programs write it: −1 asks for a random one.
struct Seed: ExpressibleByArgument, Equatable {
    /// Nil for a random one.
    var value: UInt64?

    init?(argument: String) {
        if argument == "-1" { return }
        guard let value = UInt64(argument) else { return nil }
        self.value = value
    }
}

/// A size as the command line writes it: 512x768.
struct Size: ExpressibleByArgument, Equatable {
    var width: Int
    var height: Int

    init?(argument: String) {
        let sides = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
        guard sides.count == 2, let width = Int(sides[0]), let height = Int(sides[1]), width > 0, height > 0 else {
            return nil
        }
        self.width = width
        self.height = height
    }
}
