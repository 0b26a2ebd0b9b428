import API
import Foundation
import Synchronization

/// The life of a worker process: reads orders, runs one job at a time, reports.
///
/// Orders are read on the thread that calls `run`; a job has a thread of its own, so a cancel is heard during a step.
/// When the daemon's end of the socket closes, the process ends at once, in the middle of whatever it does: a worker
/// never outlives its daemon.
package final class WorkerLoop: Sendable {
    private let executor: any JobExecutor
    private let socket: FrameSocket
    private let current = Mutex<CurrentJob?>(nil)

    /// Shortest time between two progress reports of the same stage.
    private static let progressInterval = Duration.milliseconds(50)
    private static let stackSize = 16 << 20

    package init(executor: any JobExecutor, socket: FrameSocket) {
        self.executor = executor
        self.socket = socket
    }

    /// Serves the daemon on the inherited descriptor until it goes away.
    package static func serve(_ executor: any JobExecutor) -> Never {
        preferAsVictim()
        let loop = WorkerLoop(executor: executor, socket: FrameSocket(descriptor: FrameSocket.workerDescriptor))
        exit(loop.run() ? 0 : 1)
    }

    /// Returns true after an orderly end, false when the daemon broke the protocol.
    package func run() -> Bool {
        do {
            try socket.send(Frame(Report.ready(executor.info)))
            while let frame = try socket.receive() {
                switch try frame.message(Order.self) {
                case .run(let job, _, let request): start(job, request)
                case .cancel(let job): cancel(job)
                case .listModels(let number): list(number)
                case .quit: return true
                }
            }
            return true
        } catch {
            return false
        }
    }

    private func start(_ job: String, _ request: GenerateRequest) {
        let started = CurrentJob(name: job)
        let free = current.withLock { current in
            guard current == nil else { return false }
            current = started
            return true
        }
        guard free else {
            let error = ErrorBody(.internalFailure, code: "worker_busy", message: "The worker already runs a job.")
            return send(.failed(job: job, error))
        }
        thread { [self] in
            let outcome = perform(started, request)
            current.withLock { $0 = nil }
            do throws(FrameError) {
                try socket.send(Frame(outcome))
            } catch {
                // A result with a figure that JSON does not have must not leave the daemon waiting.
                let body = ErrorBody(
                    .internalFailure, code: "result_not_sent", message: "The result is lost: \(error).")
                send(.failed(job: job, body))
            }
        }
    }

    private func perform(_ job: CurrentJob, _ request: GenerateRequest) -> Report {
        var last: (stage: Stage, at: ContinuousClock.Instant)?
        do {
            let result = try executor.run(
                request,
                report: { event in
                    switch event {
                    case .progress(let progress):
                        let now = ContinuousClock.now
                        let isLast = progress.steps > 0 && progress.step == progress.steps
                        if let last, last.stage == progress.stage, !isLast, now - last.at < Self.progressInterval {
                            return
                        }
                        last = (progress.stage, now)
                        offer(.progress(job: job.name, progress))
                    case .warning(let message):
                        send(.warning(job: job.name, message: message))
                    case .image(let image, let bytes):
                        send(.image(job: job.name, image), payload: bytes)
                    }
                },
                isCancelled: { job.isCancelled.load(ordering: .relaxed) })
            return .finished(job: job.name, result)
        } catch {
            switch error {
            case .cancelled: return .cancelled(job: job.name)
            case .failed(let body): return .failed(job: job.name, body)
            }
        }
    }

    private func cancel(_ job: String) {
        current.withLock { current in
            if current?.name == job { current?.isCancelled.store(true, ordering: .relaxed) }
        }
    }

    private func list(_ number: Int) {
        thread { [self] in
            do throws(ErrorBody) {
                send(.models(number: number, models: try executor.models()))
            } catch {
                send(.modelsFailed(number: number, error: error))
            }
        }
    }

    private func thread(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.stackSize = Self.stackSize
        thread.start()
    }

    /// A report that cannot be sent has no reader any more; the reading thread sees the same and ends the process.
    private func send(_ report: Report, payload: Data = Data()) {
        try? socket.send(Frame(report, payload: payload))
    }

    private func offer(_ report: Report) {
        _ = try? socket.offer(Frame(report))
    }
}

/// The job in work and whether it should stop.
private final class CurrentJob: Sendable {
    let name: String
    let isCancelled = Atomic<Bool>(false)

    init(name: String) {
        self.name = name
    }
}

/// When memory runs out, the kernel should take the worker and leave the daemon.
private func preferAsVictim() {
    try? "500".write(toFile: "/proc/self/oom_score_adj", atomically: false, encoding: .utf8)
}
