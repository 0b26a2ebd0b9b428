import API
import Jobs
import Vocabulary

/// What the daemon knows about a job that is with the worker, beside its row in the journal.
struct RunningJob {
    let record: JobRecord
    let lease: LeaseID
    private(set) var progress: JobProgress
    var warnings: [String]
    /// Files that are staged.
    var outputs: [Output]
    /// Those of them that an earlier start made; a worker that begins again may send them once more.
    var inherited: Set<Int>
    /// File of the last checkpoint, and number of the next one.
    var checkpoint: String?
    var nextCheckpoint: Int
    /// Whether the worker has the order.
    var isSent = false
    var cancelRequested = false
    /// Whether the worker was asked to hand the job back.
    var yieldRequested = false
    /// Why the job fails although the worker goes on.
    var failure: ErrorBody?
    /// How the job ended, until the journal has it.
    var end: End?
    /// Whether the journal is being told.
    var isSettling = false
    /// The first report of a stage with steps, from which the speed follows.
    private var firstStep: (stage: Stage, step: Int, at: SuspendingClock.Instant)?

    enum End {
        case succeeded(result: String)
        case failed(ErrorBody)
        case cancelled
        case interrupted
        /// The worker died while it was at this job.
        case lost(ErrorBody)
    }

    init(_ claimed: ClaimedJob, warnings: [String], progress: JobProgress) {
        record = claimed.job
        lease = claimed.lease
        self.warnings = warnings
        self.progress = progress
        checkpoint = claimed.checkpoint?.file
        outputs = claimed.checkpoint == nil ? [] : claimed.outputs
        inherited = Set(outputs.map(\.index))
        nextCheckpoint = (claimed.checkpoint?.file.split(separator: "-").last.flatMap { Int($0) } ?? 0) &+ 1
    }

    /// The checkpoint is of no use, so the job begins again.
    mutating func beginAgain() {
        checkpoint = nil
        outputs = []
        inherited = []
    }

    /// Whether the worker is expected to end the job without a result.
    var isStopping: Bool { cancelRequested || failure != nil }

    /// Takes a report of the worker and adds the remaining time where it tells none.
    mutating func note(_ reported: JobProgress, at now: SuspendingClock.Instant) -> JobProgress {
        progress = reported
        guard reported.steps > 0 else {
            firstStep = nil
            return progress
        }
        if let firstStep, firstStep.stage == reported.stage, reported.step >= firstStep.step {
            if reported.step > firstStep.step, reported.etaSeconds == nil {
                let perStep = (now - firstStep.at) / .seconds(1) / Double(reported.step - firstStep.step)
                progress.etaSeconds = perStep * Double(reported.steps - reported.step)
            }
        } else {
            firstStep = (reported.stage, reported.step, now)
        }
        return progress
    }
}
