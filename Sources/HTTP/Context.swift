import Glibc
package import Hummingbird
import NIOCore

/// What a handler knows about its request beside the request.
package struct DaemonContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The program at the other end of the socket, as the kernel vouches for it.
    func peer(_ isAdmin: @Sendable (UInt32) -> Bool) async throws -> Peer {
        let uid = try await channel.peerUID?.get() ?? getuid()
        return Peer(uid: uid, isAdmin: isAdmin(uid))
    }
}

extension Channel {
    /// User of the program at the other end; nil for channels that are no sockets, as tests have them.
    var peerUID: EventLoopFuture<UInt32>? {
        guard let socket = self as? any SocketOptionProvider else { return nil }
        let credentials: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: PeerCredentials.option))
        return credentials.map(\.uid)
    }
}

/// `struct ucred` of Linux.
private struct PeerCredentials: Sendable {
    var pid: Int32
    var uid: UInt32
    var gid: UInt32

    /// SO_PEERCRED.
    static let option: Int32 = 17
}
