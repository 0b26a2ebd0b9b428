import API
import ArgumentParser
import Foundation
import Logging
import Service

/// The daemon; with the subcommand `worker` the process that it starts from the same file.
@main
struct Lazulid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lazulid", abstract: "The daemon that makes pictures on this machine.",
        version: "lazulid \(lazuliVersion)", subcommands: [Work.self])

    @Option(help: "Listen on this path. Default: LAZULI_SOCKET, else the user's runtime directory.")
    var socket: String?

    @Flag(help: "Listen on \(SocketPath.system) with mode 0660, for the system's users in the service's group.")
    var system = false

    @Option(help: "Keep journal and outputs here. Default: LAZULI_STATE, else ~/.local/state/lazuli.")
    var stateDir: String?

    @Option(help: "End after this many seconds without a request and without work.")
    var idleExit: Int?

    @Option(help: "Give the worker's memory back after this many idle seconds.")
    var workerIdle = 300

    @Option(help: "Kill the worker when a cancelled job goes on for this many seconds.")
    var cancelGrace = 10

    @Option(help: "Refuse jobs when this many are waiting.")
    var queueLimit = 256

    @Option(help: "Remember this many finished jobs.")
    var history = 1000

    @Option(help: "Keep this many MiB of finished pictures.")
    var outputMib = 4096

    @Option(help: "Log from this level: trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    @Option(help: ArgumentHelp("Run this program as the worker.", visibility: .hidden))
    var worker: String?

    static func main() async {
        // A file must not get the number of a standard descriptor that the caller closed, and with it the log.
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDONLY) }
        await main(nil)
    }

    func validate() throws {
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level \(logLevel) is not a level.")
        }
        for (name, value) in [
            ("idle-exit", idleExit ?? 1), ("worker-idle", workerIdle), ("cancel-grace", cancelGrace),
            ("queue-limit", queueLimit), ("history", history), ("output-mib", outputMib),
        ] where !(1...(1 << 30)).contains(value) {
            throw ValidationError("--\(name) must be at least 1.")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let state = StateFolder.path(flag: stateDir, environment: environment) else {
            throw ValidationError("There is no home directory to keep the journal in. Name a folder with --state-dir.")
        }
        let level = Logger.Level(rawValue: logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "lazulid")
        var configuration = Daemon.Configuration(
            socket: socketPath(environment), stateFolder: state,
            worker: WorkerCommand(executable: worker ?? "/proc/self/exe", arguments: worker == nil ? ["worker"] : []))
        configuration.socketMode = system ? 0o660 : 0o600
        configuration.idleExit = idleExit.map { .seconds($0) }
        configuration.supervisor.workerIdle = .seconds(workerIdle)
        configuration.supervisor.cancelGrace = .seconds(cancelGrace)
        configuration.supervisor.queueLimit = queueLimit
        configuration.supervisor.history = history
        configuration.supervisor.outputBytes = outputMib << 20
        do {
            try await Daemon(configuration, logger: logger).run()
        } catch let error as InstanceError {
            logger.error("\(error)")
            // EX_TEMPFAIL when another daemon is there, else EX_UNAVAILABLE.
            switch error {
            case .taken, .stateTaken: throw ExitCode(75)
            default: throw ExitCode(69)
            }
        } catch {
            logger.critical("lazulid ends", metadata: ["error": "\(error)"])
            throw ExitCode(70)
        }
    }

    private func socketPath(_ environment: [String: String]) -> String {
        if let socket { return socket }
        if system { return SocketPath.system }
        if let socket = environment["LAZULI_SOCKET"], !socket.isEmpty { return socket }
        return SocketPath.user(environment: environment, uid: getuid()) { FileManager.default.fileExists(atPath: $0) }
    }
}
