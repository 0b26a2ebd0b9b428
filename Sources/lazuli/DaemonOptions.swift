import API
import ArgumentParser
import Client
import Foundation

/// How a command finds its daemon.
struct DaemonOptions: ParsableArguments {
    @Option(help: "Talk to the daemon on this path. Default: LAZULI_SOCKET, else the user's daemon, else the system's.")
    var socket: String?

    @Flag(name: .shortAndLong, help: "Print results and errors only.")
    var quiet = false

    /// A client of a daemon that answers; starts one for the user if there is none.
    func client() throws -> DaemonClient {
        let paths = candidates()
        for path in paths where Self.answers(path) { return DaemonClient(socket: path) }
        let environment = ProcessInfo.processInfo.environment
        guard let own = paths.first, let executable = Launcher.find(environment: environment) else {
            throw Failure(
                Exit.unavailable, "No daemon is running, and lazulid is neither beside lazuli nor on the PATH.")
        }
        guard let folder = StateFolder.path(environment: environment) else {
            throw Failure(Exit.unavailable, "There is no home directory for a daemon's journal. Set LAZULI_STATE.")
        }
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try Launcher(executable: executable, socket: own, log: "\(folder)/lazulid.log").start()
        return DaemonClient(socket: own)
    }

    /// A client of a daemon that answers, or nil: for commands that have no use for a fresh one.
    func runningClient() -> DaemonClient? {
        candidates().first(where: Self.answers).map(DaemonClient.init(socket:))
    }

    /// The paths to try; a daemon is started on the first.
    private func candidates() -> [String] {
        let environment = ProcessInfo.processInfo.environment
        if let socket { return [socket] }
        if let socket = environment["LAZULI_SOCKET"], !socket.isEmpty { return [socket] }
        let own = SocketPath.user(environment: environment, uid: getuid()) {
            FileManager.default.fileExists(atPath: $0)
        }
        return [own, SocketPath.system]
    }

    private static func answers(_ path: String) -> Bool {
        (try? DaemonClient(socket: path).status()) != nil
    }
}
