import API
import ArgumentParser
import Foundation
import Kinds
import Glibc
import Logging
import Processes
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

    @Option(help: "Kill the worker when it is silent for this many seconds.")
    var workerSilence = 30

    @Option(help: "Kill the worker when its work on a job stands still for this many seconds.")
    var workerStandstill = 120

    @Option(help: "Let the worker take this many MiB of memory. Default: what machine and limits leave.")
    var memoryMib: Int?

    @Option(help: "Refuse jobs when this many are waiting.")
    var queueLimit = 1024

    @Option(help: "Refuse jobs of a user of whom this many are waiting.")
    var queueLimitPerUser = 256

    @Option(help: "Remember this many finished jobs.")
    var history = 1000

    @Option(help: "Keep this many MiB of finished pictures.")
    var outputMib = 4096

    @Option(help: "Keep this many MiB of finished pictures of a user. Default: all that are kept, with --system half.")
    var outputMibPerUser: Int?

    @Option(help: "Keep this many MiB of files that a user sent.")
    var uploadMibPerUser = 1024

    @Option(help: "Let the members of this group, beside root and the daemon's user, see and change every job.")
    var adminGroup: String?

    @Option(help: "Log from this level: trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    @Option(help: ArgumentHelp("Run this program as the worker.", visibility: .hidden))
    var worker: String?

    @Option(help: ArgumentHelp("Die, or fail with an errno, at a named step.", visibility: .hidden))
    var fault: [FaultPoint] = []

    static func main() async {
        // A file must not get the number of a standard descriptor that the caller closed, and with it the log.
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDONLY) }
        if let number = Arguments.firstUnreadable {
            try? FileHandle.standardError.write(contentsOf: Data("lazulid: argument \(number) is not UTF-8.\n".utf8))
            Glibc.exit(64)
        }
        await main(nil)
    }

    func validate() throws {
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level \(logLevel) is not a level.")
        }
        for (name, value) in [
            ("idle-exit", idleExit ?? 1), ("worker-idle", workerIdle), ("cancel-grace", cancelGrace),
            ("worker-silence", workerSilence), ("worker-standstill", workerStandstill), ("memory-mib", memoryMib ?? 1),
            ("queue-limit", queueLimit), ("queue-limit-per-user", queueLimitPerUser), ("history", history),
            ("output-mib", outputMib), ("output-mib-per-user", outputMibPerUser ?? 1),
            ("upload-mib-per-user", uploadMibPerUser),
        ] where !(1...(1 << 30)).contains(value) {
            throw ValidationError("--\(name) must be at least 1 and at most \(1 << 30).")
        }
        for (name, path) in [("socket", socket), ("state-dir", stateDir), ("worker", worker)] {
            guard let path else { continue }
            // The kernel ends a path at a NUL, and would take another one than was meant.
            guard !path.isEmpty, !path.utf8.contains(0) else {
                throw ValidationError("--\(name) must be a path; it is empty.")
            }
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
        guard let admins = Admins(group: adminGroup) else {
            throw ValidationError("--admin-group \(adminGroup ?? "") is not a group of this system.")
        }
        let arguments = worker == nil ? ["worker"] + (memoryMib.map { ["--memory-mib", "\($0)"] } ?? []) : []
        var configuration = Daemon.Configuration(
            socket: socketPath(environment), stateFolder: state,
            worker: WorkerCommand(executable: worker ?? "/proc/self/exe", arguments: arguments), kinds: makeKinds(),
            names: makeNames(),
            admins: admins)
        configuration.socketMode = system ? 0o660 : 0o600
        configuration.idleExit = idleExit.map { .seconds($0) }
        configuration.faults = FaultPoint.faults(fault)
        configuration.limits = limits
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

    private var limits: Dispatcher.Settings {
        var limits = Dispatcher.Settings()
        limits.workerIdle = .seconds(workerIdle)
        limits.cancelGrace = .seconds(cancelGrace)
        limits.silence = .seconds(workerSilence)
        limits.standstill = .seconds(workerStandstill)
        limits.queueLimit = queueLimit
        limits.ownQueueLimit = queueLimitPerUser
        limits.history = history
        limits.outputBytes = outputMib << 20
        limits.ownOutputBytes = (outputMibPerUser ?? (system ? max(outputMib / 2, 1) : outputMib)) << 20
        limits.uploadBytes = uploadMibPerUser << 20
        return limits
    }

    private func socketPath(_ environment: [String: String]) -> String {
        if let socket { return socket }
        if system { return SocketPath.system }
        if let socket = environment["LAZULI_SOCKET"], !socket.isEmpty { return socket }
        return SocketPath.user(environment: environment, uid: getuid()) { access($0, F_OK) == 0 }
    }
}
