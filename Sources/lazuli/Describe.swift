import ArgumentParser
import Client
import Kinds

/// `lazuli describe FILE`
struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell the facts of a picture: its size, its colours and the recipe it carries.",
        discussion: "No model is needed. The file is sent to the daemon, which keeps it no longer than the job.")

    @Argument(help: "A PNG, JPEG or WebP file, or - for standard input.")
    var file: String

    @OptionGroup
    var submission: SubmissionOptions

    /// What the daemon takes.
    private static let limit = 64 << 20

    func run() throws {
        try reportingFailures {
            let bytes = try Paths.read(file, limit: Self.limit)
            let client = try submission.daemon.client()
            let body = try submission.body(Kinds.Describe(image: try client.upload(bytes)))
            guard let job = try submission.run(body, on: client) else { return }
            if submission.json { return try Console.print(json: job) }
            try Console.print(job.text ?? "")
        }
    }
}
