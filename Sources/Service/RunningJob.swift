import API
import Jobs
import Wire

/// What the daemon knows about the job in work beside its row in the journal.
struct RunningJob {
    let record: JobRecord
    let request: GenerateRequest
    private(set) var progress = JobProgress(.load)
    var warnings: [String]
    var outputs: [Output] = []
    var cancelRequested = false
    /// Why the job fails although the worker goes on.
    var failure: ErrorBody?
    /// The first denoising report, from which the speed follows.
    private var firstStep: (step: Int, at: Double)?

    init(_ record: JobRecord, _ request: GenerateRequest, warnings: [String]) {
        self.record = record
        self.request = request
        self.warnings = warnings
    }

    /// Takes a report of the worker and adds the remaining time.
    mutating func note(_ reported: JobProgress, at now: Double) -> JobProgress {
        progress = reported
        guard reported.stage == .denoise, reported.steps > 0 else {
            firstStep = nil
            return progress
        }
        if let firstStep, reported.step > firstStep.step {
            let secondsPerStep = (now - firstStep.at) / Double(reported.step - firstStep.step)
            progress.etaSeconds = secondsPerStep * Double(max(reported.steps - reported.step, 0))
        } else {
            firstStep = (reported.step, now)
        }
        return progress
    }
}
