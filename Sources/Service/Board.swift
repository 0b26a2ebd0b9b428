import API
import Glibc
import Jobs
import Synchronization
import Vocabulary

/// What everybody may read without waiting for anybody: the dispatcher writes it, status, health and metrics read it.
final class Board: Sendable {
    struct State: Sendable {
        var live: [JobID: Live] = [:]
        var counts: [JobState: Int] = [:]
        var worker: (pid: Int32, info: WorkerFacts)?
        var deaths = 0
        /// Why nothing runs.
        var complaint: String?
        var isDraining = false
        var isBusy = false
    }

    /// What is known of a job with the worker beside its row in the journal.
    struct Live: Sendable {
        var progress: JobProgress
        var warnings: [String]
    }

    struct WorkerFacts: Sendable {
        var version, device, kernels: String
        var threads: Int
    }

    private let state = Mutex(State())
    private let started = SuspendingClock.now

    func read<Value>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }

    func write(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    var info: StatusInfo {
        let state = state.withLock { $0 }
        let worker = state.worker.map { pid, facts in
            StatusInfo.Worker(
                pid: Int(pid), version: facts.version, device: facts.device, kernels: facts.kernels,
                threads: facts.threads, memoryBytes: WorkerProcess.memoryBytes(pid))
        }
        let queued = state.counts[.queued] ?? 0
        return StatusInfo(
            version: lazuliVersion, state: state.isDraining ? .draining : state.isBusy ? .busy : .ready,
            pid: Int(getpid()), uptimeSeconds: (SuspendingClock.now - started) / .seconds(1), queued: queued,
            running: state.counts[.running] ?? 0, waiting: queued > 0 ? state.complaint : nil,
            workerDeaths: state.deaths, worker: worker)
    }
}
