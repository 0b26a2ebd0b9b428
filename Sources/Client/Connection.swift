import Glibc

/// One exchange over a Unix socket: a request, then its response, then the end.
final class Connection {
    private let descriptor: Int32

    /// Connects to a daemon that may be trusted; `timeout` bounds each wait for bytes, nil waits for ever.
    init(_ socket: DaemonSocket, timeout: Int?) throws(ClientError) {
        try socket.checkFolder()
        descriptor = try Self.connected(to: socket.path)
        try socket.checkPeer(descriptor)
        if let timeout {
            var limit = timeval(tv_sec: timeout, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private static func connected(to path: String) throws(ClientError) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unreachable(path: path, errno: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            close(descriptor)
            throw .unreachable(path: path, errno: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else {
            let number = errno
            close(descriptor)
            throw .unreachable(path: path, errno: number)
        }
        return descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Sends a request; stops early when the answer is already there, as it is to a body that is too large.
    func send(_ bytes: [UInt8]) throws(ClientError) {
        var sent = 0
        while sent < bytes.count {
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN | POLLOUT), revents: 0)
            guard poll(&poller, 1, -1) == 1 || errno == EINTR else { throw .broken(String(cString: strerror(errno))) }
            if poller.revents & Int16(POLLIN) != 0 { return }
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { throw .broken(String(cString: strerror(errno))) }
            sent += count
        }
    }

    /// The next bytes, none at the end.
    func receive() throws(ClientError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw .broken(errno == EAGAIN ? "no answer in time" : String(cString: strerror(errno)))
            }
            return Array(bytes.prefix(count))
        }
    }
}
