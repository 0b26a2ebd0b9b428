package import API
package import FoundationEssentials

/// The arithmetic behind a worker. `WorkerLoop` calls it; it knows neither sockets nor jobs' names.
package protocol JobExecutor: Sendable {
    /// What the worker is; asked once, before anything else.
    var info: WorkerInfo { get }

    /// Every checkpoint under the model roots, usable or not. Called on its own thread, also during `run`.
    func models() throws(ErrorBody) -> [ModelInfo]

    /// Carries a request out on the calling thread, which is the same for a whole job.
    ///
    /// Between two steps it calls `report` and asks `isCancelled`; when that says true, it throws `.cancelled`.
    func run(
        _ request: GenerateRequest, report: (ExecutionEvent) -> Void, isCancelled: () -> Bool
    ) throws(ExecutionError) -> GenerateResult
}

/// What happens during a job.
package enum ExecutionEvent: Sendable {
    /// Cheap to report: the worker leaves out what the daemon has no room for.
    case progress(JobProgress)
    case warning(String)
    /// A finished file, as bytes.
    case image(EncodedImage, bytes: Data)
}

/// Why a job has no result.
package enum ExecutionError: Error, Sendable, Equatable {
    case cancelled
    case failed(ErrorBody)
}
