import API
import ArgumentParser
import Client
import Foundation
import JSON
import Vocabulary

/// `lazuli jobs`
struct Jobs: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the jobs: running, waiting, finished.")

    @Option(help: "List this many at most.")
    var limit = 20

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let jobs = try daemon.client().jobs(limit: limit)
            if json { return try Console.print(json: jobs) }
            for job in jobs {
                try Console.print("\(job.id)  \(padded(job.summary, 18))  \(job.title.prefix(60))")
            }
        }
    }
}

/// `lazuli show ID`
struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what is known about a job.")

    @Argument(help: "The job's identifier.")
    var id: JobID

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let job = try daemon.client().job(id)
            if json { return try Console.print(json: job) }
            try job.lines.forEach { try Console.print("\(padded($0.name, 9))\($0.value)") }
        }
    }
}

/// `lazuli watch ID`
struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Follow a job until it ends.")

    @Argument(help: "The job's identifier.")
    var id: JobID

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let job = try Follower(client: try daemon.client(), quiet: daemon.quiet).wait(for: id)
            if json { try Console.print(json: job) } else { try Console.print(job.text ?? job.summary) }
            _ = try job.succeeded()
        }
    }
}

/// `lazuli cancel ID`
struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Cancel a waiting or running job.")

    @Argument(help: "The job's identifier.")
    var id: JobID

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let job = try daemon.client().cancel(id)
            try Console.print(job.state.isFinal ? job.summary : "stopping")
        }
    }
}

/// `lazuli pause ID`
struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pause a waiting or running job; what it has done is kept.")

    @Argument(help: "The job's identifier.")
    var id: JobID

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures { try Console.print(daemon.client().pause(id).summary) }
    }
}

/// `lazuli resume ID`
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let a paused job go on.")

    @Argument(help: "The job's identifier.")
    var id: JobID

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures { try Console.print(daemon.client().resume(id).summary) }
    }
}

/// `lazuli priority ID NUMBER`
struct Priority: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let a job start before or after others.")

    @Argument(help: "The job's identifier.")
    var id: JobID

    @Argument(parsing: .allUnrecognized, help: "-10 to 10; jobs of a higher priority start first.")
    var words: [String]

    @OptionGroup
    var daemon: DaemonOptions

    func validate() throws {
        guard words.count == 1, Int(words[0]) != nil else { throw ValidationError("The priority is one number.") }
    }

    func run() throws {
        try reportingFailures {
            let job = try daemon.client().prioritise(id, Int(words[0]) ?? 0)
            try Console.print("\(job.summary), priority \(job.priority)")
        }
    }
}

/// `lazuli fetch ID`
struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write the pictures of a finished job to files.")

    @Argument(help: "The job's identifier.")
    var id: JobID

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write to this file; several pictures get -1, -2, … before its extension. A single one may go to - for "
                + "standard output.",
            valueName: "file"))
    var output: String?

    @Flag(help: "Print the job as JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let destination = Destination(file: output)
            try destination.check(json: json)
            let client = try daemon.client()
            let job = try client.job(id).succeeded()
            let files = try destination.write(job, from: client)
            if json {
                try Console.print(json: JobReport(job: job, files: files))
            } else if !destination.isStandardOutput {
                try files.forEach { try Console.print($0) }
            }
        }
    }
}

extension JobID: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}

extension JobStatus {
    /// What a job that writes text has written.
    var text: String? { result?.asObject?["text"]?.asString }

    /// State in a word or two.
    fileprivate var summary: String {
        if paused, !state.isFinal { return "paused" }
        return switch state {
        case .queued: position.map { "queued (\($0))" } ?? "queued"
        case .running:
            progress.map { $0.steps > 0 ? "\($0.stage.rawValue) \($0.step)/\($0.steps)" : $0.stage.rawValue }
                ?? "running"
        case .succeeded, .failed, .cancelled: state.rawValue
        }
    }

    fileprivate var lines: [(name: String, value: String)] {
        var lines = [("job", "\(id)"), ("kind", kind.rawValue), ("state", summary), ("title", title)]
        for name in ["model", "seed"] {
            guard let value = result?.asObject?[name] ?? request?.asObject?[name] else { continue }
            lines.append((name, value.asString ?? String(decoding: value.text(), as: UTF8.self)))
        }
        if priority != 0 { lines.append(("priority", "\(priority)")) }
        if let waiting { lines.append(("waiting", waiting)) }
        lines.append(("created", date(created)))
        if let finished { lines.append(("finished", date(finished))) }
        if attempts > 1 { lines.append(("attempts", "\(attempts)")) }
        for output in outputs {
            let size = output.width.flatMap { width in output.height.map { "\(width)x\($0) " } } ?? ""
            lines.append(("output", "\(size)\(output.format.rawValue), \(output.bytes) bytes"))
        }
        if let text { lines.append(("text", text)) }
        lines += warnings.map { ("warning", $0) }
        if let error { lines.append(("error", "\(error.code): \(error.message)")) }
        return lines
    }

    private func date(_ seconds: Double) -> String {
        Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    }
}

/// The text, filled with spaces to a width.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.count, 0))
}
