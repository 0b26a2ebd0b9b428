import API
import JSON
import Vocabulary

extension AsyncStream<JobEvent> {
    /// Waits for the end of the job; `other` is told what comes before.
    func end(_ other: (JobEvent) -> Void = { _ in }) async throws -> JobStatus {
        for await event in self {
            if case .result(let status) = event { return status }
            other(event)
        }
        throw ErrorBody.interrupted
    }
}

extension ErrorBody {
    static let interrupted = ErrorBody(
        .unavailable, code: "interrupted", message: "The daemon stopped before the job ended. Ask again.")
}

extension JobStatus {
    /// What a job that is over tells, or why it tells nothing.
    func resultOrError() throws(ErrorBody) -> JSON {
        switch state {
        case .succeeded: return result ?? .null
        case .failed:
            throw error ?? ErrorBody(.internalFailure, code: "internal", message: "The job failed; its log says why.")
        default:
            throw ErrorBody(.conflict, code: "cancelled", message: "The job was cancelled before its end. Ask again.")
        }
    }
}
