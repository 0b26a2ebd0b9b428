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

    func validate() throws {
        if socket?.isEmpty == true { throw ValidationError("--socket must be a path; it is empty.") }
    }

    /// A client of a daemon that answers; starts one for the user if there is none.
    func client() throws -> DaemonClient {
        if let client = try runningClient() { return client }
        let environment = ProcessInfo.processInfo.environment
        guard let own = candidates().first, let executable = Launcher.find(environment: environment) else {
            throw Failure(
                Exit.unavailable, "No daemon is running, and lazulid is neither beside lazuli nor on the PATH.")
        }
        guard let folder = StateFolder.path(environment: environment) else {
            throw Failure(Exit.unavailable, "There is no home directory for a daemon's journal. Set LAZULI_STATE.")
        }
        try Paths.makeFolders(folder)
        try Launcher(executable: executable, socket: own, log: "\(folder)/lazulid.log").start()
        return DaemonClient(socket: own)
    }

    /// A client of a daemon that answers, or nil: for commands that have no use for a fresh one.
    ///
    /// A socket that must not be trusted ends the search: the next place would hide that somebody planted it.
    func runningClient() throws -> DaemonClient? {
        for socket in candidates() {
            let client = DaemonClient(socket: socket)
            do throws(ClientError) {
                _ = try client.status()
                return client
            } catch {
                if case .untrusted = error { throw error }
            }
        }
        return nil
    }

    /// The places to try; a daemon is started on the first.
    private func candidates() -> [DaemonSocket] {
        let environment = ProcessInfo.processInfo.environment
        if let socket { return [DaemonSocket(socket)] }
        if let socket = environment["LAZULI_SOCKET"], !socket.isEmpty { return [DaemonSocket(socket)] }
        let own = SocketPath.user(environment: environment, uid: getuid()) { access($0, F_OK) == 0 }
        return [DaemonSocket(own, .own), DaemonSocket(SocketPath.system, .system)]
    }
}
