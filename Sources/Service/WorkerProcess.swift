import API
import FoundationEssentials
import Glibc
import Processes
import Synchronization
import Wire

/// How to start a worker.
package struct WorkerCommand: Sendable {
    package var executable: String
    package var arguments: [String]

    package init(executable: String, arguments: [String]) {
        self.executable = executable
        self.arguments = arguments
    }
}

/// A running worker. Its reports arrive in `events`; the last one is always `.ended`. After each report the reader says
/// `handled`, and a worker that reports faster than it is heard is made to wait.
final class WorkerProcess: Sendable {
    enum Event: Sendable {
        case report(Report, payload: Data)
        /// `broke` tells how the worker broke the protocol, if it did.
        case ended(End, broke: String?)
    }

    /// How a process ended.
    enum End: Sendable, Equatable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)

        var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "signal \(signal)"
            }
        }
    }

    /// The tensors of a checkpoint, read when the order goes out.
    struct Payload: Sendable {
        var path: String
        var bytes: Int
    }

    let pid: pid_t
    let events: AsyncStream<Event>
    private let socket: FrameSocket
    private let outbox: Outbox
    private let window = Window()
    /// Whether the process was reaped; its number belongs to nobody then and must not be signalled.
    private let reaped = Mutex(false)

    /// Starts a worker with a socket on the agreed descriptor, no standard input, and default signals.
    init(_ command: WorkerCommand) throws(FrameError) {
        let (daemonEnd, workerEnd) = try FrameSocket.pair()
        let socket = FrameSocket(descriptor: daemonEnd)
        self.socket = socket
        let outbox = Outbox(socket)
        self.outbox = outbox
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        self.events = events
        defer { close(workerEnd) }
        pid = try Self.spawn(command, socket: workerEnd)
        // Threads may be as scarce as processes. A worker that nobody hears is no worker.
        guard startThread({ outbox.write() }) else {
            end()
            throw .io(errno: EAGAIN)
        }
        let reading = startThread { [self] in
            let broke = read(continuation)
            // Either the process is ending, which this does not change, or it broke the protocol.
            kill()
            outbox.close()
            continuation.yield(.ended(wait(), broke: broke))
            continuation.finish()
        }
        guard reading else {
            outbox.close()
            end()
            throw .io(errno: EAGAIN)
        }
    }

    /// Sends an order without waiting for it to be read. False when too many are unread: the worker is stuck.
    func send(_ order: Order, payload: Payload? = nil) -> Bool { outbox.put(order, payload) }

    /// The last report is done with.
    func handled() { window.free() }

    /// Ends the process at once.
    func kill() {
        reaped.withLock { reaped in
            if !reaped { _ = Glibc.kill(pid, SIGKILL) }
        }
    }

    /// Resident memory in bytes of a process, 0 when it is gone.
    static func memoryBytes(_ pid: pid_t) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    private func end() {
        kill()
        _ = wait()
    }

    /// Hands reports on until the socket ends; returns how the protocol was broken, if it was.
    private func read(_ continuation: AsyncStream<Event>.Continuation) -> String? {
        do throws(FrameError) {
            while let frame = try socket.receive() {
                let report = try frame.message(Report.self)
                window.take(isLarge: frame.payload.count > 1 << 20)
                continuation.yield(.report(report, payload: frame.payload))
            }
            return nil
        } catch {
            switch error {
            case .truncated, .io: return nil
            case .tooLong(let bytes, let limit): return "a message of \(bytes) bytes, the limit is \(limit)"
            case .malformed(let words): return "a message that cannot be read: \(words.cut(to: 200))"
            }
        }
    }

    private func wait() -> End {
        var info = siginfo_t()
        // WNOWAIT leaves the process a zombie, so `kill` cannot meet a stranger with the same number meanwhile.
        while waitid(P_PID, id_t(pid), &info, Int32(WEXITED) | Int32(WNOWAIT)) != 0, errno == EINTR {}
        return reaped.withLock { reaped in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            reaped = true
            return status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
        }
    }

    private static func spawn(_ command: WorkerCommand, socket: Int32) throws(FrameError) -> pid_t {
        // The terminal's Ctrl-C is for the daemon, which decides about its worker.
        let program = Program(
            command.executable, arguments: ["lazulid"] + command.arguments,
            descriptors: [
                (0, .nothing), (1, .descriptor(2)), (FrameSocket.workerDescriptor, .descriptor(socket)),
            ], signals: .ownGroup)
        do throws(SpawnError) {
            return try program.start()
        } catch {
            throw .io(errno: error.errno)
        }
    }
}

/// Orders on their way to a worker. Whoever puts one in never waits; a thread of its own waits for the worker to read.
private final class Outbox: Sendable {
    private struct State {
        var orders: [(order: Order, payload: WorkerProcess.Payload?)] = []
        var isClosed = false
    }

    /// More unread orders than this, and the worker is stuck.
    private static let limit = 512

    private let socket: FrameSocket
    private let state = Mutex(State())
    private let filled = Signal()

    init(_ socket: FrameSocket) {
        self.socket = socket
    }

    func put(_ order: Order, _ payload: WorkerProcess.Payload?) -> Bool {
        let fits = state.withLock { state in
            guard state.orders.count < Self.limit else { return false }
            state.orders.append((order, payload))
            return true
        }
        filled.signal()
        return fits
    }

    func close() {
        state.withLock { $0.isClosed = true }
        filled.signal()
    }

    /// Writes orders until the worker is gone.
    func write() {
        while true {
            filled.wait()
            let next = state.withLock { state in
                state.isClosed || state.orders.isEmpty ? nil : state.orders.removeFirst()
            }
            guard let next else {
                if state.withLock({ $0.isClosed }) { return }
                continue
            }
            do throws(FrameError) {
                try socket.send(frame(next.order, next.payload))
            } catch {
                // The worker is gone, as `.ended` will tell.
                return
            }
        }
    }

    private func frame(_ order: Order, _ payload: WorkerProcess.Payload?) throws(FrameError) -> Frame {
        guard case .run(var run) = order, let payload else { return try Frame(order) }
        if let bytes = Files.read(payload.path, bytes: payload.bytes) { return try Frame(order, payload: bytes) }
        // The checkpoint is gone; the job begins again.
        run.resume = nil
        return try Frame(Order.run(run))
    }
}

/// How many reports may be under way: some small ones, and of large ones a single one.
private final class Window: Sendable {
    private let places = Signal(16)
    private let sizes = Mutex<[Bool]>([])
    private let large = Signal(1)

    func take(isLarge: Bool) {
        places.wait()
        if isLarge { large.wait() }
        sizes.withLock { $0.append(isLarge) }
    }

    func free() {
        let wasLarge = sizes.withLock { $0.isEmpty ? false : $0.removeFirst() }
        if wasLarge { large.signal() }
        places.signal()
    }
}
