import API
import ArgumentParser
import Client
import Foundation

/// `lazuli jobs`
struct Jobs: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the jobs: running, waiting, finished.")

    @Option(help: "List this many at most.")
    var limit = 20

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let jobs = try daemon.client().jobs(limit: limit)
            if json { return try Console.print(json: jobs) }
            for job in jobs {
                let prompt = job.request.prompt.prefix(60).map { $0.isNewline ? " " : $0 }
                try Console.print("\(job.id)  \(padded(job.summary, 18))  \(String(prompt))")
            }
        }
    }
}

/// `lazuli show ID`
struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what is known about a job.")

    @Argument(help: "The job's identifier.")
    var id: String

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
    var id: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let job = try Follower(client: try daemon.client(), quiet: daemon.quiet).wait(for: id)
            if json { try Console.print(json: job) } else { try Console.print(job.summary) }
            _ = try job.succeeded()
        }
    }
}

/// `lazuli cancel ID`
struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Cancel a waiting or running job.")

    @Argument(help: "The job's identifier.")
    var id: String

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let job = try daemon.client().cancel(id)
            try Console.print(job.state.isFinal ? job.summary : "stopping at the next step")
        }
    }
}

/// `lazuli fetch ID`
struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write the pictures of a finished job to files.")

    @Argument(help: "The job's identifier.")
    var id: String

    @Option(name: .shortAndLong, help: "Write to this file; several pictures get -1, -2, … before its extension.")
    var output: String?

    @Flag(help: "Print the job as JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    func run() throws {
        try reportingFailures {
            let destination = Destination(file: output)
            try destination.check()
            let client = try daemon.client()
            let job = try client.job(id).succeeded()
            let files = try destination.write(job, from: client)
            if json {
                try Console.print(json: JobReport(job: job, files: files))
            } else {
                try files.forEach { try Console.print($0) }
            }
        }
    }
}

extension JobStatus {
    /// State in a word or two.
    fileprivate var summary: String {
        switch state {
        case .queued: position.map { "queued (\($0))" } ?? "queued"
        case .running:
            progress.map { $0.steps > 0 ? "\($0.stage.rawValue) \($0.step)/\($0.steps)" : $0.stage.rawValue }
                ?? "running"
        case .succeeded, .failed, .cancelled: state.rawValue
        }
    }

    fileprivate var lines: [(name: String, value: String)] {
        var lines = [("job", id), ("state", summary), ("prompt", request.prompt)]
        if let model = result?.model ?? request.model { lines.append(("model", model)) }
        if let seed = request.seed { lines.append(("seed", "\(seed)")) }
        lines.append(("created", date(created)))
        if let finished { lines.append(("finished", date(finished))) }
        if attempts > 1 { lines.append(("attempts", "\(attempts)")) }
        for output in outputs {
            lines.append(
                ("output", "\(output.width)x\(output.height) \(output.format.rawValue), \(output.bytes) bytes"))
        }
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
