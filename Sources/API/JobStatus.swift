package import JSON
package import Vocabulary

/// Everything a client may know about a job. Times are Unix seconds.
package struct JobStatus: Codable, Sendable, Equatable {
    package var id: JobID
    package var kind: JobKind
    /// One line that tells people which job this is, such as the beginning of its prompt.
    package var title: String
    package var state: JobState
    /// Whether somebody paused the job; it waits, whatever its state, until it is resumed.
    package var paused: Bool
    package var priority: Int
    package var created: Double
    package var started: Double?
    package var finished: Double?
    /// How often the job was started and had to answer for it.
    package var attempts: Int
    /// Jobs that come first; only while queued.
    package var position: Int?
    /// Why a queued job does not start although nothing is before it, such as a worker that cannot be started.
    package var waiting: String?
    /// Only while running, and for queued jobs that have a checkpoint.
    package var progress: JobProgress?
    package var estimate: Estimate?
    package var outputs: [Output]
    package var warnings: [String]
    package var error: ErrorBody?
    /// What the kind tells when it is done, beside its files.
    package var result: JSON?
    /// What was asked for, with the seed that the daemon chose; absent in lists and in events.
    package var request: JSON?

    package init(
        id: JobID, kind: JobKind, title: String, state: JobState, paused: Bool = false, priority: Int, created: Double,
        started: Double? = nil, finished: Double? = nil, attempts: Int, position: Int? = nil, waiting: String? = nil,
        progress: JobProgress? = nil, estimate: Estimate? = nil, outputs: [Output] = [], warnings: [String] = [],
        error: ErrorBody? = nil, result: JSON? = nil, request: JSON? = nil
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        self.state = state
        self.paused = paused
        self.priority = priority
        self.created = created
        self.started = started
        self.finished = finished
        self.attempts = attempts
        self.position = position
        self.waiting = waiting
        self.progress = progress
        self.estimate = estimate
        self.outputs = outputs
        self.warnings = warnings
        self.error = error
        self.result = result
        self.request = request
    }
}

/// Where a running job is.
package struct JobProgress: Codable, Sendable, Equatable {
    package var stage: Stage
    /// Steps done of `steps`, over the whole job; both 0 in stages without steps.
    package var step: Int
    package var steps: Int
    /// Seconds until the last step, once the first one is measured; later stages are not in it.
    package var etaSeconds: Double?

    package init(_ stage: Stage, step: Int = 0, of steps: Int = 0, etaSeconds: Double? = nil) {
        self.stage = stage
        self.step = step
        self.steps = steps
        self.etaSeconds = etaSeconds
    }

    private enum CodingKeys: String, CodingKey {
        case stage, step, steps
        case etaSeconds = "eta_seconds"
    }
}
