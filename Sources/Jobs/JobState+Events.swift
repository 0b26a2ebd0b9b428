package import Vocabulary

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
    /// Starts of a job before it counts as the cause of its workers' deaths.
    package static let maximumAttempts = 3

    /// What can happen to a job.
    package enum Event: String, Sendable, CaseIterable {
        case started, succeeded, failed, cancelled
        /// The job was handed back, or lost without being the cause; the attempt does not count.
        case interrupted
        /// The worker died while it worked on this job.
        case lost
    }

    /// The state after an event, for a job that was started `attempts` times.
    package func after(_ event: Event, attempts: Int) throws(JobStateError) -> JobState {
        switch (self, event) {
        case (.queued, .started): .running
        case (.queued, .cancelled), (.running, .cancelled): .cancelled
        case (.running, .succeeded): .succeeded
        case (.queued, .failed), (.running, .failed): .failed
        case (.running, .interrupted): .queued
        case (.running, .lost): attempts < JobState.maximumAttempts ? .queued : .failed
        default: throw JobStateError(state: self, event: event)
        }
    }
}
