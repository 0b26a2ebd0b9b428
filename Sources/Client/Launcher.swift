import Glibc
import Processes

/// Starts a daemon for the user when none is running.
package struct Launcher: Sendable {
    package var executable: String
    package var socket: DaemonSocket
    /// Takes what the daemon writes to standard error.
    package var log: String
    /// Seconds without work after which that daemon ends itself.
    package var idleExit: Int

    package init(executable: String, socket: DaemonSocket, log: String, idleExit: Int = 600) {
        self.executable = executable
        self.socket = socket
        self.log = log
        self.idleExit = idleExit
    }

    /// Until then the new daemon must answer.
    private static let patience = Duration.seconds(15)
    /// What a daemon which was faster has left to answer.
    private static let patienceWithAnother = Duration.seconds(2)
    private static let exitTemporaryFailure: Int32 = 75

    /// `lazulid` beside this executable, else the first one on the search path.
    package static func find(environment: [String: String]) -> String? {
        let beside = Program.own.flatMap { own in own.lastIndex(of: "/").map { String(own[..<$0]) } }
        let folders = [beside ?? ""] + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return folders.filter { !$0.isEmpty }.map { "\($0)/lazulid" }.first { access($0, X_OK) == 0 }
    }

    /// Starts the daemon and returns once it answers.
    package func start() throws(LaunchError) {
        let pid = try spawn()
        var deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            if (try? DaemonClient(socket: socket).status()) != nil { return }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid {
                // One that ends because another was faster is no failure: that one will answer.
                guard status >> 8 & 0xff == Self.exitTemporaryFailure else { break }
                deadline = min(deadline, ContinuousClock.now + Self.patienceWithAnother)
            }
            usleep(10_000)
        }
        throw LaunchError(executable: executable, log: log, lastLine: Self.lastLine(of: log))
    }

    /// The last line of a log that says something; nil where there is none.
    private static func lastLine(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var end = [UInt8](repeating: 0, count: 4096)
        let size = lseek(descriptor, 0, SEEK_END)
        let count = pread(descriptor, &end, end.count, max(0, size - off_t(end.count)))
        guard count > 0 else { return nil }
        let lines = String(decoding: end.prefix(count), as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.last { $0.contains { !$0.isWhitespace } }.map(String.init)
    }

    private func spawn() throws(LaunchError) -> pid_t {
        // The daemon outlives the terminal.
        let program = Program(
            executable, arguments: [executable, "--socket", socket.path, "--idle-exit", "\(idleExit)"],
            descriptors: [(0, .nothing), (1, .log(path: log)), (2, .descriptor(1))], signals: .ownSession)
        do throws(SpawnError) {
            return try program.start()
        } catch {
            throw LaunchError(executable: executable, log: log, fact: "\(error)")
        }
    }
}

/// A daemon that did not come up.
package struct LaunchError: Error, Sendable, Equatable, CustomStringConvertible {
    package var executable: String
    package var log: String
    /// Why it could not even be started.
    package var fact: String?
    /// What the daemon said last.
    package var lastLine: String?

    package var description: String {
        fact.map { "\(executable) cannot be started with \(log) as its log: \($0)." }
            ?? "\(executable) did not start. \(log) says why"
            + (lastLine.map { ", at its end: \($0)" } ?? "; it is empty, so try \(executable) by hand.")
    }
}
