import Foundation
package import Hummingbird
import Jobs
package import Logging
import ServiceLifecycle
import UnixSignals

/// The daemon, composed: socket, journal, outputs, supervisor, routes.
package struct Daemon: Sendable {
    package struct Configuration: Sendable {
        package var socket: String
        /// Holds `journal.sqlite` and `outputs/`.
        package var stateFolder: String
        package var worker: WorkerCommand
        /// Mode of the socket: 0600 for a user, 0660 for the group of a system service.
        package var socketMode: UInt32 = 0o600
        /// Ends the daemon after this long without a request and without work; nil keeps it.
        package var idleExit: Duration?
        package var supervisor = Supervisor.Settings()

        package init(socket: String, stateFolder: String, worker: WorkerCommand) {
            self.socket = socket
            self.stateFolder = stateFolder
            self.worker = worker
        }
    }

    private let configuration: Configuration
    private let logger: Logger
    private let instance: Instance
    private let supervisor: Supervisor

    /// Claims the socket and opens the journal; nothing is served yet.
    package init(_ configuration: Configuration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        // What the daemon writes is its user's alone.
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        instance = try Instance(socket: configuration.socket, stateFolder: configuration.stateFolder)
        let journal = "\(configuration.stateFolder)/journal.sqlite"
        do {
            supervisor = Supervisor(
                store: try JobStore(path: journal),
                outputs: try OutputFolder(root: "\(configuration.stateFolder)/outputs"),
                command: configuration.worker, settings: configuration.supervisor, logger: logger)
        } catch JobStoreError.storage(let words) {
            throw InstanceError.state(path: journal, reason: words)
        } catch let error as OutputError {
            throw InstanceError.state(path: error.path, reason: String(cString: strerror(error.errno)))
        }
    }

    /// Serves until a signal or the idle limit ends it.
    package func run() async throws {
        // Before the first request: what runs then would be taken for what a dead daemon left.
        try await supervisor.recover()
        let activity = Activity()
        let connections = Connections()
        let watch = SocketWatch(path: instance.socket)
        let application = Application(
            router: Self.router(supervisor, activity),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: instance.socket),
                availableConnectionsDelegate: connections),
            onServerRunning: { [configuration] _ in
                chmod(configuration.socket, configuration.socketMode)
                watch.begin()
                Notify.send("READY=1")
            },
            logger: logger)
        // Stopped in reverse order: the supervisor ends the event streams that the server would wait for.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: application),
            .init(service: SupervisorService(supervisor: supervisor, connections: connections)),
            .init(service: watch, successTerminationBehavior: .gracefullyShutdownGroup),
        ]
        if let limit = configuration.idleExit {
            services.append(
                .init(
                    service: IdleExit(activity: activity, supervisor: supervisor, limit: limit),
                    successTerminationBehavior: .gracefullyShutdownGroup))
        }
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // A client that keeps a connection open or stops in the middle of a request cannot hold the daemon.
        group.maximumGracefulShutdownDuration = .seconds(1)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch is CancellationError {
            logger.debug("connections were closed on their clients")
        }
        guard !watch.foundLoss else { throw InstanceError.socketLost(instance.socket) }
        unlink(instance.socket)
    }

    /// Every route of the daemon.
    package static func router(_ supervisor: Supervisor, _ activity: Activity = Activity()) -> Router<DaemonContext> {
        let router = Router(context: DaemonContext.self)
        router.add(middleware: ActivityMiddleware(activity: activity))
        router.add(middleware: ErrorMiddleware())
        router.addRoutes(JobController(supervisor: supervisor).endpoints, atPath: "v1/jobs")
        router.addRoutes(DaemonController(supervisor: supervisor).endpoints)
        return router
    }
}

/// Ties the supervisor's end to the daemon's.
private struct SupervisorService: ServiceLifecycle.Service {
    let supervisor: Supervisor
    let connections: Connections

    func run() async throws {
        try? await gracefulShutdown()
        await connections.stop()
        Notify.send("STOPPING=1")
        await supervisor.drain()
    }
}
