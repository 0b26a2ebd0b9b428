/// What `GET /v1/jobs/{id}/events` tells; the case is the event's name, the payload its data.
package enum JobEvent: Sendable, Equatable {
    /// The job as it is: first in every stream, and again at each change of state or position. Carries no request.
    case state(JobStatus)
    case progress(JobProgress)
    case warning(String)
    /// Text that the job has written, from byte `offset` of all its text on; none is ever left out.
    case text(offset: Int, String)
    /// A picture of the job under way; one that is late gives way to a newer one.
    case preview(Preview)
    /// The job in its final state: last in every stream.
    case result(JobStatus)

    package var name: String {
        switch self {
        case .state: "state"
        case .progress: "progress"
        case .warning: "warning"
        case .text: "text"
        case .preview: "preview"
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

/// Data of a `text` event.
package struct TextEvent: Codable, Sendable, Equatable {
    /// UTF-8 bytes of the job's text before this piece.
    package var offset: Int
    package var text: String

    package init(offset: Int, text: String) {
        self.offset = offset
        self.text = text
    }
}
