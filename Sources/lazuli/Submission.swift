import API
import ArgumentParser
import Client
import JSON
import Kinds
import Vocabulary

/// Options of every command that submits a job.
struct SubmissionOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Start before jobs of a lower priority: -10 to 10.", valueName: "number"))
    var priority = 0

    @Flag(help: "Print the job's identifier and leave.")
    var detach = false

    @Flag(help: "Print the job as JSON.")
    var json = false

    @OptionGroup
    var daemon: DaemonOptions

    /// The body of a job of these parameters, checked as far as the command can.
    func body(_ parameters: some JobParameters) throws -> JSON {
        do throws(RequestError) {
            guard JobBody.priorities.contains(priority) else {
                throw .outOfRange(param: "priority", value: "\(priority)", allowed: "-10 to 10")
            }
            return JobBody.write(try parameters.validated(), priority: priority, strict: true)
        } catch {
            throw Failure(error.body)
        }
    }

    /// Cancels a job and tells what became of it.
    private static func cancel(_ id: JobID, _ client: DaemonClient) -> String {
        do {
            let state = try client.cancel(id).state
            return state == .succeeded || state == .failed
                ? "job \(id) had already \(state.rawValue)" : "cancelled job \(id)"
        } catch {
            return "job \(id) could not be cancelled: \(error). `lazuli cancel \(id)` tries again."
        }
    }

    /// Submits a job and waits for its end; nil when the command leaves at once. Ctrl-C cancels the job.
    /// `text` takes what the job writes.
    func run(
        _ body: JSON, on client: DaemonClient, text: ((String) -> Void)? = nil, picture: TerminalPicture? = nil
    ) throws -> JobStatus? {
        let job = try client.submit(body)
        if detach {
            if json { try Console.print(json: job) } else { try Console.print(job.id) }
            return nil
        }
        Interrupt.handle {
            Console.say("\nlazuli: " + Self.cancel(job.id, client))
        }
        return try Follower(client: client, quiet: daemon.quiet, text: text, picture: picture).wait(for: job.id)
            .succeeded()
    }
}

extension JobStatus {
    /// The job itself when it succeeded, else the failure that the command ends with.
    func succeeded() throws -> JobStatus {
        switch state {
        case .succeeded: return self
        case .cancelled: throw Failure(Exit.cancelled, "Job \(id) was cancelled.")
        case .failed: throw error.map { Failure($0) } ?? Failure(Exit.internalFailure, "Job \(id) failed.")
        case .queued, .running: throw Failure(Exit.tryAgain, "Job \(id) is \(paused ? "paused" : state.rawValue).")
        }
    }
}
