import API
import Foundation
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

/// A running worker. Its reports arrive in `events`; the last one is always `.ended`.
final class WorkerProcess: Sendable {
    enum Event: Sendable {
        case report(Report, payload: Data)
        case ended(End)
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

    let pid: pid_t
    let events: AsyncStream<Event>
    private let socket: FrameSocket
    /// Whether the process was reaped; its number belongs to nobody then and must not be signalled.
    private let reaped = Mutex(false)

    /// Starts a worker with a socket on the agreed descriptor, no standard input, and default signals.
    init(_ command: WorkerCommand) throws(FrameError) {
        let (daemonEnd, workerEnd) = try FrameSocket.pair()
        defer { close(workerEnd) }
        let socket = FrameSocket(descriptor: daemonEnd)
        self.socket = socket
        pid = try Self.spawn(command, socket: workerEnd)
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        self.events = events
        let reader = Thread { [self] in
            while let frame = try? socket.receive(), let report = try? frame.message(Report.self) {
                continuation.yield(.report(report, payload: frame.payload))
            }
            // Either the process is ending, which this does not change, or it broke the protocol.
            kill()
            continuation.yield(.ended(wait()))
            continuation.finish()
        }
        reader.start()
    }

    /// Sends an order; a worker that is gone does not hear it, which `.ended` tells.
    func send(_ order: Order) {
        _ = try? socket.send(Frame(order))
    }

    /// Ends the process at once.
    func kill() {
        reaped.withLock { reaped in
            if !reaped { _ = Glibc.kill(pid, SIGKILL) }
        }
    }

    /// Resident memory in bytes, 0 when the process is gone.
    var memoryBytes: Int {
        let fields = (try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8))?.split(separator: " ") ?? []
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
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
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, 2, 1)
        posix_spawn_file_actions_adddup2(&actions, socket, FrameSocket.workerDescriptor)
        // What a library of the daemon left open across exec. The worker could not tell it from its own libraries' files.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            guard let descriptor = Int32(name), descriptor > FrameSocket.workerDescriptor else { continue }
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // A process group of its own: the terminal's Ctrl-C is for the daemon, which decides about its worker.
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var arguments = (["lazulid"] + command.arguments).map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, command.executable, &actions, &attributes, &arguments, environ)
        guard failure == 0 else { throw .io(errno: failure) }
        return pid
    }
}
