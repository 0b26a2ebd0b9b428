import Foundation

/// Starts a daemon for the user when none is running.
package struct Launcher: Sendable {
    package var executable: String
    package var socket: String
    /// Takes what the daemon writes to standard error.
    package var log: String
    /// Seconds without work after which that daemon ends itself.
    package var idleExit: Int

    package init(executable: String, socket: String, log: String, idleExit: Int = 600) {
        self.executable = executable
        self.socket = socket
        self.log = log
        self.idleExit = idleExit
    }

    /// Seconds until the new daemon must answer.
    private static let patience = 15.0
    /// Seconds that a daemon which was faster has left to answer.
    private static let patienceWithAnother = 2.0
    private static let exitTemporaryFailure: Int32 = 75
    /// POSIX_SPAWN_SETSID of glibc, which Swift does not import: the daemon outlives the terminal.
    private static let newSession: Int16 = 0x80

    /// `lazulid` beside this executable, else the first one on the search path.
    package static func find(environment: [String: String]) -> String? {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = (own as NSString).deletingLastPathComponent
        let folders = [beside] + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return folders.filter { !$0.isEmpty }.map { "\($0)/lazulid" }.first { access($0, X_OK) == 0 }
    }

    /// Starts the daemon and returns once it answers.
    package func start() throws(LaunchError) {
        let pid = try spawn()
        var deadline = Date(timeIntervalSinceNow: Self.patience)
        while Date() < deadline {
            if (try? DaemonClient(socket: socket).status()) != nil { return }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid {
                // One that ends because another was faster is no failure: that one will answer.
                guard status >> 8 & 0xff == Self.exitTemporaryFailure else { break }
                deadline = min(deadline, Date(timeIntervalSinceNow: Self.patienceWithAnother))
            }
            usleep(10_000)
        }
        throw LaunchError(executable: executable, log: log)
    }

    private func spawn() throws(LaunchError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // A descriptor that a caller left open would keep that caller waiting for the daemon's end.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            if let descriptor = Int32(name), descriptor > 2 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Self.newSession)

        let words = [executable, "--socket", socket, "--idle-exit", "\(idleExit)"]
        var arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, executable, &actions, &attributes, &arguments, environ) == 0 else {
            throw LaunchError(executable: executable, log: log)
        }
        return pid
    }
}

/// A daemon that did not come up.
package struct LaunchError: Error, Sendable, Equatable, CustomStringConvertible {
    package var executable: String
    package var log: String

    package var description: String { "\(executable) did not start. \(log) says why." }
}
