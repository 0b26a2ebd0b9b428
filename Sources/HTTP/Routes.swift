package import Hummingbird
package import HummingbirdCore
package import Kinds

/// Everything that is served over the socket.
package enum Routes {
    /// Largest upload.
    private static let uploadLimit = 64 << 20

    /// `onRequest` is called for every request, `isAdmin` says who sees every job.
    package static func router(
        _ desk: any JobDesk, kinds: KindTable, names: DialectNames, isAdmin: @escaping @Sendable (UInt32) -> Bool,
        onRequest: @escaping @Sendable () -> Void
    ) -> Router<DaemonContext> {
        let router = Router(context: DaemonContext.self)
        router.add(middleware: Note(onRequest: onRequest))
        router.add(middleware: ErrorMiddleware())
        router.addRoutes(
            JobController(desk: desk, kinds: kinds, isAdmin: isAdmin, bodies: BodyReader()).endpoints, atPath: "v1")
        // Other programs' dialects send pictures within their bodies.
        let large = BodyReader(limit: uploadLimit, total: 2 * uploadLimit)
        let uploads = PictureUploads(desk: desk)
        router.addRoutes(
            OpenAIController(desk: desk, isAdmin: isAdmin, bodies: large, uploads: uploads).endpoints, atPath: "v1")
        router.addRoutes(
            A1111Controller(desk: desk, isAdmin: isAdmin, bodies: large, uploads: uploads, names: names).endpoints,
            atPath: "sdapi/v1")
        router.addRoutes(BlobController(desk: desk, isAdmin: isAdmin, limit: uploadLimit).endpoints, atPath: "v1")
        router.addRoutes(DaemonController(desk: desk, isAdmin: isAdmin, contract: Contract(kinds)).endpoints)
        return router
    }

    /// A server whose connections keep to the limits.
    package static func server(_ connections: Connections, _ limits: ConnectionLimits = ConnectionLimits())
        -> HTTPServerBuilder
    {
        .http1(configuration: .init(additionalChannelHandlers: [ConnectionGuard(connections, limits)]))
    }
}

private struct Note: RouterMiddleware {
    let onRequest: @Sendable () -> Void

    func handle(
        _ request: Request, context: DaemonContext,
        next: @concurrent (Request, DaemonContext) async throws -> Response
    ) async throws -> Response {
        onRequest()
        return try await next(request, context)
    }
}
