import API
import FoundationEssentials
import JSON
import Jobs
import Vocabulary

/// JSON as the journal holds it.
enum JSONText {
    static func encode(_ value: some Encodable) throws(ErrorBody) -> String {
        if let json = value as? JSON { return String(decoding: json.text(), as: UTF8.self) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw ErrorBody(.internalFailure, code: "not_encodable", message: "\(error)")
        }
    }

    /// Reads what the journal holds.
    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws(ErrorBody) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw unreadable("\(type)")
        }
    }

    static func json(_ text: String) throws(ErrorBody) -> JSON {
        do throws(JSONFault) {
            return try JSON(Array(text.utf8))
        } catch {
            throw unreadable("\(error)")
        }
    }

    private static func unreadable(_ what: String) -> ErrorBody {
        ErrorBody(
            .internalFailure, code: "journal_unreadable",
            message: "The journal holds what this version cannot read (\(what)). A newer one may.")
    }
}

extension JobStatus {
    /// The status that a row tells, with what the board knows beside it. What another version wrote and this one cannot
    /// read is left out and named, so that one row does not hide the others.
    init(_ entry: JobEntry, board: Board, withRequest: Bool) {
        let job = entry.job
        let (live, complaint) = board.read { ($0.live[job.id], $0.complaint) }
        let isLive = job.state == .running
        var warnings = (try? JSONText.decode([String].self, job.warnings)) ?? []
        if isLive, let live { warnings = live.warnings }
        var progress = entry.progress.flatMap { try? JSONText.decode(JobProgress.self, $0) }
        if isLive { progress = live?.progress ?? progress }
        var request: JSON?
        if withRequest {
            request = try? JSONText.json(job.request)
            if request == nil { warnings.warn("The request is of a form that this version cannot read.") }
        }
        self.init(
            id: job.id, kind: job.kind, title: job.title, state: job.state, paused: job.paused, priority: job.priority,
            created: job.created, started: job.started, finished: job.finished, attempts: job.attempts,
            position: entry.position, waiting: job.state == .queued && !job.paused ? complaint : nil,
            progress: progress, estimate: job.estimate.flatMap { try? JSONText.decode(Estimate.self, $0) },
            outputs: entry.outputs.map { output in
                var output = output
                output.url = "/v1/jobs/\(job.id)/outputs/\(output.index)"
                return output
            },
            warnings: warnings, error: job.error.flatMap { try? JSONText.decode(ErrorBody.self, $0) },
            result: job.result.flatMap { try? JSONText.json($0) }, request: request)
    }
}

extension ErrorBody {
    static let draining = ErrorBody(
        .unavailable, code: "draining", message: "The daemon is stopping. Try again in a moment.")
}

extension JournalError {
    /// The error as the client reads it.
    var body: ErrorBody {
        switch self {
        case .unknownJob(let id):
            ErrorBody(
                .notFound, code: "unknown_job",
                message: "There is no job \"\(id)\". It may have left the history; GET /v1/jobs lists the others.")
        case .unknownBlob(let name):
            ErrorBody(
                .invalidRequest, code: "unknown_blob",
                message: "There is no uploaded file \(name). Upload it first; it is kept for a while without a job.")
        case .notAllowed(let error):
            ErrorBody(
                .conflict, code: "job_\(error.state.rawValue)",
                message: "The job is already \(error.state.rawValue); nothing was changed.")
        case .leaseLost:
            ErrorBody(.conflict, code: "job_running", message: "The job is just being started. Try again.")
        case .queueFull(let limit):
            ErrorBody(
                .unavailable, code: "queue_full",
                message: "\(limit) jobs are waiting, which is the limit. Try again when some are done.")
        case .ownQueueFull(let limit):
            ErrorBody(
                .unavailable, code: "queue_full",
                message: "\(limit) of your jobs are waiting, which is the limit. Try again when some are done.")
        case .storageFull(let limit):
            ErrorBody(
                .unavailable, code: "storage_full",
                message: "Your uploaded files would take more than \(limit) bytes. Try again when some jobs have left "
                    + "the history.")
        case .keyTaken:
            ErrorBody(
                .invalidRequest, code: "idempotency_mismatch",
                message: "The Idempotency-Key was used for another body. Send the same body, or another key.")
        case .badCursor:
            ErrorBody(
                .invalidRequest, code: "out_of_range",
                message: "\"after\" is not the end of a page. Leave it out, or send what the page before named.",
                param: "after")
        case .newer(let found, let known):
            ErrorBody(
                .internalFailure, code: "journal",
                message: "The journal is of version \(found), and this lazulid knows \(known). Start a newer one.")
        case .refused(let words):
            ErrorBody(
                .internalFailure, code: "journal",
                message: "The journal refused the change: \(words.cut(to: 400)). Please report this as a bug.")
        case .storage(let words):
            ErrorBody(
                .internalFailure, code: "journal",
                message:
                    "The journal failed: \(words.cut(to: 400)). Check the space and the rights of the state folder.")
        }
    }
}
