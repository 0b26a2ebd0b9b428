/// Where a job is in its life.
package enum JobState: String, Codable, Sendable, CaseIterable {
    case queued, running, succeeded, failed, cancelled

    /// Whether the job will never change again.
    package var isFinal: Bool {
        switch self {
        case .queued, .running: false
        case .succeeded, .failed, .cancelled: true
        }
    }

    /// Starts of a job before it counts as the cause of its workers' deaths.
    package static let maximumAttempts = 3
}

/// An event that a state does not allow.
package struct JobStateError: Error, Sendable, Equatable {
    package var state: JobState
    package var event: JobState.Event

    package init(state: JobState, event: JobState.Event) {
        self.state = state
        self.event = event
    }
}

extension JobState {
    /// What can happen to a job.
    package enum Event: String, Sendable, CaseIterable {
        case started, succeeded, failed, cancelled
        /// The daemon stopped in good order; the attempt does not count.
        case interrupted
        /// The worker or the daemon died during the job.
        case lost
    }

    /// The state after an event, for a job that was started `attempts` times.
    package func after(_ event: Event, attempts: Int) throws(JobStateError) -> JobState {
        switch (self, event) {
        case (.queued, .started): .running
        case (.queued, .cancelled), (.running, .cancelled): .cancelled
        case (.running, .succeeded): .succeeded
        case (.running, .failed): .failed
        case (.running, .interrupted): .queued
        case (.running, .lost): attempts < JobState.maximumAttempts ? .queued : .failed
        default: throw JobStateError(state: self, event: event)
        }
    }
}
