/// What `GET /v1/jobs/{id}/events` tells; the case is the event's name, the payload its data.
package enum JobEvent: Sendable, Equatable {
    /// The job as it is: first in every stream, and again at each change of state or position.
    case state(JobStatus)
    case progress(JobProgress)
    case warning(String)
    /// The job in its final state: last in every stream.
    case result(JobStatus)

    package var name: String {
        switch self {
        case .state: "state"
        case .progress: "progress"
        case .warning: "warning"
        case .result: "result"
        }
    }
}

/// Data of a `warning` event.
package struct WarningEvent: Codable, Sendable {
    package var message: String

    package init(message: String) {
        self.message = message
    }
}
