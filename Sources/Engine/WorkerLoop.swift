import API
import Foundation
package import Pipelines
import Synchronization
import Tensor
package import Wire

/// The life of a worker process: reads orders, reports what becomes of them.
///
/// Orders are read on the thread that calls `run`, slices are carried out on the executor's, questions are answered on
/// threads of their own, and a fourth tells every second that the process lives. When the daemon's end of the socket
/// closes, the process ends at once, in the middle of whatever it does: a worker never outlives its daemon.
package final class WorkerLoop: Sendable {
    private let workshop: Workshop
    private let line: Line
    private let executor: Executor
    private let questions: Questions

    package init(_ workshop: Workshop, socket: FrameSocket) {
        self.workshop = workshop
        line = Line(socket: socket)
        executor = Executor(workshop, line)
        questions = Questions(workshop)
    }

    /// Serves the daemon on the inherited descriptor until it goes away.
    package static func serve(_ workshop: Workshop) -> Never {
        preferAsVictim()
        let loop = WorkerLoop(workshop, socket: FrameSocket(descriptor: FrameSocket.workerDescriptor))
        exit(loop.run() ? 0 : 1)
    }

    /// Returns true after an orderly end, false when the daemon broke the protocol.
    package func run() -> Bool {
        do {
            try line.send(
                .ready(
                    WorkerInfo(
                        version: lazuliVersion, kernels: workshop.kernels, threads: workshop.threads,
                        budgetBytes: workshop.residents.budgetBytes)))
            executor.start()
            beat()
            while let frame = try line.socket.receive() {
                switch try frame.message(Order.self) {
                case .run(let order): executor.run(order, tensors: [UInt8](frame.payload))
                case .cancel(let job): executor.cancel(job)
                case .yield(let job): executor.yield(job)
                case .prioritise(let job, let priority): executor.prioritise(job, priority)
                case .ask(let number, let question):
                    questions.answer(question) { [line] in try? line.send(.answer(number: number, $0)) }
                case .quit:
                    executor.quit()
                    return true
                }
            }
            return true
        } catch {
            return false
        }
    }

    /// Tells every second that the process lives and how much it has done.
    private func beat() {
        let thread = Thread { [weak line] in
            while let line, !line.isClosed {
                line.offer(.heartbeat(work: KernelWork.pieces))
                Thread.sleep(forTimeInterval: 1)
            }
        }
        thread.name = "heartbeat"
        thread.start()
    }
}

/// The daemon's end of the executor.
private final class Line: ReportSink {
    let socket: FrameSocket
    private let closed = Atomic<Bool>(false)

    init(socket: FrameSocket) {
        self.socket = socket
    }

    var isClosed: Bool { closed.load(ordering: .relaxed) }

    func send(_ report: Report, payload: [UInt8]) throws {
        let frame = try Frame(report, payload: Data(payload))
        do throws(FrameError) {
            try socket.send(frame)
        } catch {
            if case .io = error { closed.store(true, ordering: .relaxed) }
            throw error
        }
    }

    func offer(_ report: Report) {
        do {
            _ = try socket.offer(Frame(report))
        } catch {
            closed.store(true, ordering: .relaxed)
        }
    }
}

/// When memory runs out, the kernel should take the worker and leave the daemon.
private func preferAsVictim() {
    try? "500".write(toFile: "/proc/self/oom_score_adj", atomically: false, encoding: .utf8)
}
