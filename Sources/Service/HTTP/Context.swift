import Glibc
package import Hummingbird
import Logging
import NIOCore

/// What a handler knows about its request beside the request.
package struct DaemonContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The user at the other end of the socket, as the kernel vouches for it.
    package func peer() async throws -> UInt32 {
        guard let socket = channel as? any SocketOptionProvider else { return getuid() }
        let credentials: PeerCredentials = try await socket.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: PeerCredentials.option)
        ).get()
        return credentials.uid
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
