import FoundationEssentials
import Glibc
import Synchronization

/// A connected stream socket that carries frames. One thread reads, any number may send.
package final class FrameSocket: Sendable {
    /// The descriptor on which a worker finds its daemon.
    package static let workerDescriptor: Int32 = 3

    private let descriptor: Int32
    /// A frame is several writes; two senders must not mix theirs.
    private let sending = Mutex(())

    /// Takes ownership of the descriptor.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// A connected pair, both ends closed on exec.
    package static func pair() throws(FrameError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .io(errno: errno)
        }
        return (ends[0], ends[1])
    }

    /// Sends a frame whole; waits while the peer does not read.
    package func send(_ frame: Frame) throws(FrameError) {
        let bytes = try frame.encoded()
        let failure = sending.withLock { _ in write(bytes) }
        if let failure { throw failure }
    }

    /// Sends a frame if there is room for it now; says whether it went.
    ///
    /// The kernel reports a stream socket as writable while three quarters of its buffer are free, so a small frame
    /// does not block then.
    @discardableResult
    package func offer(_ frame: Frame) throws(FrameError) -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&poller, 1, 0) == 1, poller.revents & Int16(POLLOUT) != 0 else { return false }
        try send(frame)
        return true
    }

    /// The next frame, or nil when the peer closed its end between two frames.
    package func receive() throws(FrameError) -> Frame? {
        guard let header = try read(Frame.headerSize, endAllowed: true) else { return nil }
        let lengths = try Frame.lengths(header: header)
        guard let json = try read(lengths.json, endAllowed: false),
            let payload = try read(lengths.payload, endAllowed: false)
        else { throw .truncated }
        return Frame(json: Data(json), payload: Data(payload))
    }

    private func write(_ bytes: Data) -> FrameError? {
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = Glibc.send(
                    descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, Int32(MSG_NOSIGNAL))
                if count < 0 {
                    if errno == EINTR { continue }
                    return .io(errno: errno)
                }
                sent += count
            }
            return nil
        }
    }

    private func read(_ count: Int, endAllowed: Bool) throws(FrameError) -> [UInt8]? {
        var failure: FrameError?
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let got = recv(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, 0)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = .io(errno: errno) }
                if got <= 0 { break }
                filled += got
            }
            initialized = filled
        }
        if let failure { throw failure }
        if filled == count { return bytes }
        if filled == 0, endAllowed { return nil }
        throw .truncated
    }
}
