import API
import Jobs
import Wire

/// How the work on a job ended.
enum Ending {
    case succeeded(GenerateResult)
    case failed(ErrorBody)
    case cancelled
    /// The worker died with this end.
    case lost(WorkerProcess.End)
}

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
    /// How the job ended, until the journal has it.
    var ending: Ending?
    /// The first denoising report, from which the speed follows.
    private var firstStep: (step: Int, at: Double)?

    init(_ record: JobRecord) throws(ErrorBody) {
        self.record = record
        request = try JSON.decode(GenerateRequest.self, record.request)
        warnings = try JSON.decode([String].self, record.warnings)
    }

    /// A job whose row this version does not understand; it can only fail.
    init(unreadable record: JobRecord) {
        self.record = record
        request = GenerateRequest(prompt: "")
        warnings = []
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
