import API
import FoundationEssentials
import HTTPTypes
package import NIOCore
import NIOHTTPTypes

/// How long a client may take.
package struct ConnectionLimits: Sendable {
    /// From the connection to the end of the first headers.
    package var headers = TimeAmount.seconds(15)
    /// Between two parts of a body.
    package var body = TimeAmount.seconds(60)
    /// From an answer to the next request.
    package var idle = TimeAmount.seconds(60)
    /// Without reading what was sent.
    package var stall = TimeAmount.seconds(60)

    package init() {}
}

/// Gives a connection its place, and closes it when its client takes too long: to send, to go on, or to read.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: Connections
    private let limits: ConnectionLimits
    private var seat: Connections.Seat?
    private var hasBegun = false
    private var isRefused = false
    private var waiting: Scheduled<Void>?
    private var stalled: Scheduled<Void>?

    init(_ connections: Connections, _ limits: ConnectionLimits) {
        self.connections = connections
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // Before the connection is there its other end is not known.
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard !hasBegun else { return }
        hasBegun = true
        expect(within: limits.headers, context)
        guard let uid = context.channel.peerUID else { return }
        uid.assumeIsolated().whenSuccess { uid in
            guard context.channel.isActive else { return }
            let channel = context.channel
            self.seat = self.connections.admit(uid) { channel.close(promise: nil) }
            if self.seat == nil { self.refuse(context) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if seat?.place == .kept, !Self.mustComeThrough(head) { return refuse(context) }
            if let seat { connections.note(seat, isAsking: true) }
            expect(within: limits.body, context)
        case .body: expect(within: limits.body, context)
        case .end: waiting?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            expect(within: limits.idle, context)
            if let seat { connections.note(seat, isAsking: false) }
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalled?.cancel()
        stalled = nil
        if !context.channel.isWritable { stalled = close(context.channel, after: limits.stall) }
        context.fireChannelWritabilityChanged()
    }

    /// What is answered also when every ordinary place is taken.
    private static func mustComeThrough(_ head: HTTPRequest) -> Bool {
        let path = head.path?.split(separator: "?").first.map(String.init) ?? ""
        switch head.method {
        case .get: return ["/healthz", "/readyz", "/metrics", "/v1/status"].contains(path)
        case .delete: return path.hasPrefix("/v1/jobs/")
        case .post: return path.hasPrefix("/v1/jobs/") && path.hasSuffix("/pause")
        default: return false
        }
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isRefused = true
        waiting?.cancel()
        let error = ErrorBody(
            .unavailable, code: "too_many_connections",
            message: "Too many connections are open. Close some of yours, or try again in a moment.")
        let body = ByteBuffer(bytes: (try? encoded(ErrorEnvelope(error))) ?? Data())
        let head = HTTPResponse(
            status: error.status,
            headerFields: [
                .contentType: "application/json", .contentLength: "\(body.readableBytes)", .connection: "close",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        let channel = context.channel
        // What the client is just sending would reset the connection, and the answer with it, if it were closed at once.
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: .milliseconds(100)) { channel.close(promise: nil) }
        }
    }

    private func expect(within limit: TimeAmount, _ context: ChannelHandlerContext) {
        waiting?.cancel()
        waiting = close(context.channel, after: limit)
    }

    private func close(_ channel: any Channel, after limit: TimeAmount) -> Scheduled<Void> {
        channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }

    private func end() {
        waiting?.cancel()
        stalled?.cancel()
        guard let seat else { return }
        self.seat = nil
        connections.leave(seat)
    }
}
