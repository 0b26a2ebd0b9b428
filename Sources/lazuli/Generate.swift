import API
import ArgumentParser
import Client
import Foundation

extension Precision: ExpressibleByArgument {}
extension RandomSource: ExpressibleByArgument {}
extension ImageFormat: ExpressibleByArgument {}
extension MetadataLevel: ExpressibleByArgument {}

/// `lazuli generate`
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a picture from a prompt.")

    @Argument(help: "What the picture shows.")
    var prompt: String

    @Option(name: .shortAndLong, help: "Use this model; `lazuli models list` names them.")
    var model: String?

    @Option(
        name: .shortAndLong,
        help: "Write to this file, in the format of its extension; several pictures get -1, -2, … before it.")
    var output: String?

    @Option(help: ArgumentHelp("Keep this out of the picture.", valueName: "text"))
    var negative: String?

    @Option(help: ArgumentHelp("Size in pixels.", valueName: "WxH"))
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

    @Option(help: "Seed of the first picture; the next ones count up from it. Default: random.")
    var seed: UInt64?

    @Option(name: .short, help: "Number of pictures.")
    var number = 1

    @Option(help: "Arithmetic. Default: the fastest that this machine and the model allow.")
    var precision: Precision?

    @Option(help: "Random numbers as PyTorch draws them on a CPU (torch) or on a GPU (philox).")
    var rng: RandomSource = .torch

    @Option(help: "File format. Default: by the output's extension, else png.")
    var format: ImageFormat?

    @Option(help: "JPEG quality, 1 to 100.")
    var quality = 95

    @Option(help: "How much of the recipe the file carries.")
    var metadata: MetadataLevel = .full

    @Flag(help: "Print the job's identifier and leave; `lazuli fetch` gets the pictures.")
    var detach = false

    @Flag(help: "Print the job as JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let submission = try submission()
            let destination = Destination(file: output)
            if !detach { try destination.check() }
            let client = try daemon.client()
            let job = try client.submit(submission)
            if detach {
                return try json ? Console.print(json: job) : Console.print(job.id)
            }
            Interrupt.handle {
                _ = try? client.cancel(job.id)
                Console.say("\nlazuli: cancelled job \(job.id)")
            }
            let done = try Follower(client: client, quiet: daemon.quiet).wait(for: job.id).succeeded()
            let files = try destination.write(done, from: client)
            if json {
                try Console.print(json: JobReport(job: done, files: files))
            } else {
                try files.forEach { try Console.print($0) }
            }
        }
    }

    private func submission() throws -> JobSubmission {
        let named = try output.flatMap { try ImageFormat(fileName: $0) }
        if let format, let named, format != named {
            throw Failure(Exit.usage, "The output is named as \(named.rawValue) but --format is \(format.rawValue).")
        }
        let request = GenerateRequest(
            prompt: prompt, model: model, negativePrompt: negative, width: size?.width, height: size?.height,
            steps: steps, guidance: guidance, sampler: sampler, schedule: schedule, shift: shift, seed: seed,
            count: number, precision: precision, rng: rng, format: format ?? named ?? .png, quality: quality,
            metadata: metadata)
        do {
            return try JobSubmission(request, strict: true).validated()
        } catch {
            throw Failure(error.body)
        }
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

extension JobStatus {
    /// The job itself when it succeeded, else the failure that the command ends with.
    func succeeded() throws -> JobStatus {
        switch state {
        case .succeeded: return self
        case .cancelled: throw Failure(Exit.cancelled, "Job \(id) was cancelled.")
        case .failed: throw error.map { Failure($0) } ?? Failure(Exit.internalFailure, "Job \(id) failed.")
        case .queued, .running: throw Failure(Exit.tryAgain, "Job \(id) is \(state.rawValue).")
        }
    }
}
