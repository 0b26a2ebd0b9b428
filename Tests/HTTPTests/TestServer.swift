import Foundation
import HTTP
import Hummingbird
import Kinds
import Logging
import UnixHTTP

/// The routes over a fake desk, served on a socket in the desk's own folder by this very process.
final class TestServer: Sendable {
    let desk: FakeDesk
    let client: UnixClient
    /// Every route that is served, as the contract writes it: `GET /v1/jobs/{id}`.
    let routes: Set<String>
    private let connections: Connections
    private let task: Task<Void, any Error>

    static let kinds = KindTable([Kind(Generate.self), Kind(Describe.self)], standard: Generate.kind)

    /// A body that the route takes, as far as it takes one.
    static func body(_ method: String, _ path: String) -> String? {
        switch (method, path) {
        case ("PATCH", _): #"{"priority": 1}"#
        case ("POST", "/v1/chat/completions"): #"{"messages": [{"role": "user", "content": "a"}]}"#
        case ("POST", "/v1/images/edits"):
            #"{"prompt": "p", "images": [{"image_url": "data:image/png;base64,cG5n"}]}"#
        case ("POST", _): #"{"prompt": "p"}"#
        default: nil
        }
    }

    init(connections: Connections = Connections(), limits: ConnectionLimits = ConnectionLimits()) async throws {
        let desk = try FakeDesk()
        self.desk = desk
        self.connections = connections
        client = UnixClient(socket: "\(desk.folder)/s")
        let socket = client.socket
        let router = Routes.router(
            desk, kinds: Self.kinds, names: DialectNames(samplers: ["Euler a"], schedules: ["Karras"]),
            isAdmin: { _ in false }, onRequest: {})
        routes = Set(
            router.routes.map { route in
                let path = "\(route.path)".split(separator: "/").map { part in
                    part.hasPrefix(":") ? "{\(part.dropFirst())}" : String(part)
                }
                return "\(route.method.rawValue) /\(path.joined(separator: "/"))"
            })
        let (running, started) = AsyncStream.makeStream(of: Void.self)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = Application(
            router: router, server: Routes.server(connections, limits),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket), availableConnectionsDelegate: connections),
            onServerRunning: { _ in started.finish() }, logger: logger)
        task = Task { try await application.run() }
        for await _ in running {}
    }

    func stop() async {
        await connections.stop()
        task.cancel()
        _ = await task.result
        desk.removeFolder()
    }

    /// Serves, and hands the client to `body` on a thread that may wait.
    static func serving(
        connections: Connections = Connections(), limits: ConnectionLimits = ConnectionLimits(),
        _ body: @escaping @Sendable (TestServer) throws -> Void
    ) async throws {
        let server = try await TestServer(connections: connections, limits: limits)
        let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Result { try body(server) }) }
        }
        await server.stop()
        try result.get()
    }
}
