import Glibc
package import HTTP
import Hummingbird
import Jobs
package import Kinds
package import Logging
import ServiceLifecycle
import UnixSignals

/// The daemon, composed: socket, journal, files, desk, dispatcher, routes.
package struct Daemon: Sendable {
    package struct Configuration: Sendable {
        package var socket: String
        /// Holds `journal.sqlite`, `outputs/` and `blobs/`.
        package var stateFolder: String
        package var worker: WorkerCommand
        package var kinds: KindTable
        /// Names that other programs' dialects list.
        package var names: DialectNames
        /// Mode of the socket: 0600 for a user, 0660 for the group of a system service.
        package var socketMode: UInt32 = 0o600
        /// Who may see every job.
        package var admins: Admins
        /// Ends the daemon after this long without a request and without work; nil keeps it.
        package var idleExit: Duration?
        package var limits = Dispatcher.Settings()
        package var faults = Faults()

        package init(
            socket: String, stateFolder: String, worker: WorkerCommand, kinds: KindTable, names: DialectNames,
            admins: Admins
        ) {
            self.socket = socket
            self.stateFolder = stateFolder
            self.worker = worker
            self.kinds = kinds
            self.names = names
            self.admins = admins
        }
    }

    private let configuration: Configuration
    private let logger: Logger
    private let instance: Instance
    private let dispatcher: Dispatcher
    private let uploads: Uploads
    private let desk: Desk

    /// Claims the socket and opens the journal; nothing is served yet.
    package init(_ configuration: Configuration, logger: Logger) throws {
        var configuration = configuration
        configuration.socket = Files.absolute(configuration.socket)
        configuration.stateFolder = Files.absolute(configuration.stateFolder)
        self.configuration = configuration
        self.logger = logger
        // What the daemon writes is its user's alone.
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        Self.raiseDescriptorLimit()
        instance = try Instance(socket: configuration.socket, stateFolder: configuration.stateFolder)
        let state = configuration.stateFolder
        let faults = configuration.faults
        let disk = Disk()
        do {
            let journal = try Journal(path: "\(state)/journal.sqlite") { _ = faults.at($0) }
            let outputs = try OutputFolder(root: "\(state)/outputs", faults: faults)
            let blobs = try BlobFolder(root: "\(state)/blobs")
            let (hub, board, limits) = (EventHub(), Board(), configuration.limits)
            dispatcher = Dispatcher(
                journal: journal, outputs: outputs, blobs: blobs, mark: try TurnMark(path: "\(state)/turn"), disk: disk,
                hub: hub, board: board, command: configuration.worker, settings: limits, logger: logger)
            uploads = Uploads(
                journal: journal, folder: blobs, disk: disk, limit: limits.uploadBytes, time: limits.uploadTime)
            desk = Desk(
                journal: journal, dispatcher: dispatcher, uploads: uploads, outputs: outputs, hub: hub, board: board,
                settings: limits)
        } catch JournalError.newer(let found, let known) {
            throw InstanceError.newerJournal(path: "\(state)/journal.sqlite", found: found, known: known)
        } catch let error as JournalError {
            throw InstanceError.state(path: "\(state)/journal.sqlite", reason: error.words)
        } catch let error as OutputError {
            throw InstanceError.state(path: error.path, reason: error.reason)
        }
    }

    /// Serves until a signal or the idle limit ends it.
    package func run() async throws {
        // Before the first request: what runs then would be taken for what a dead daemon left.
        do {
            try await dispatcher.recover()
        } catch {
            throw InstanceError.state(path: "\(configuration.stateFolder)/journal.sqlite", reason: error.words)
        }
        await uploads.adopt()
        let activity = Activity()
        let connections = Connections()
        let watch = SocketWatch(path: instance.socket)
        let application = Application(
            router: Routes.router(
                desk, kinds: configuration.kinds, names: configuration.names,
                isAdmin: { [admins = configuration.admins] in admins.contains($0) },
                onRequest: { activity.touch() }),
            server: Routes.server(connections),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: instance.socket),
                availableConnectionsDelegate: connections),
            onServerRunning: { [configuration] _ in
                chmod(configuration.socket, configuration.socketMode)
                watch.begin()
                Notify.send("READY=1")
            },
            logger: logger)
        // Stopped in reverse order: the dispatcher ends the event streams that the server would wait for.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: application),
            .init(service: DispatcherService(dispatcher: dispatcher, connections: connections)),
            .init(service: watch, successTerminationBehavior: .gracefullyShutdownGroup),
        ]
        if let limit = configuration.idleExit {
            services.append(
                .init(
                    service: IdleExit(activity: activity, dispatcher: dispatcher, limit: limit),
                    successTerminationBehavior: .gracefullyShutdownGroup))
        }
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // Jobs have their time to hand over checkpoints; a client that keeps a connection open or stops in the middle of a
        // request has what is left of it and cannot hold the daemon.
        group.maximumGracefulShutdownDuration = configuration.limits.drainTime + .seconds(1)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch is CancellationError {
            logger.debug("connections were closed on their clients")
        }
        guard !watch.foundLoss else { throw InstanceError.socketLost(instance.socket) }
        unlink(instance.socket)
    }

    /// Connections are descriptors, and the usual soft limit is far below what the system allows.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Ties the dispatcher's end to the daemon's.
private struct DispatcherService: ServiceLifecycle.Service {
    let dispatcher: Dispatcher
    let connections: Connections

    func run() async throws {
        try? await gracefulShutdown()
        Notify.send("STOPPING=1")
        // In a task of its own: the group's impatience must not cancel what is written to the journal.
        await Task { [dispatcher] in await dispatcher.drain() }.value
        await connections.stop()
    }
}

extension JournalError {
    /// SQLite's words, for who starts a daemon.
    fileprivate var words: String {
        switch self {
        case .storage(let words), .refused(let words): words
        default: "\(self)"
        }
    }
}
