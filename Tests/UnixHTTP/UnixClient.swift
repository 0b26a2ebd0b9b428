import CPeers
import Foundation
import Glibc

/// A client of HTTP over a Unix socket, written apart from the program's own: every call is one connection, and waits.
package struct UnixClient: Sendable {
    package var socket: String
    /// Connects as this user, where the process may become others.
    package var uid: UInt32?
    /// Seconds without a byte after which a call gives up.
    package var patience = 30

    package init(socket: String, uid: UInt32? = nil) {
        self.socket = socket
        self.uid = uid
    }

    /// The same client as another user.
    package func with(uid: UInt32) -> UnixClient {
        var client = self
        client.uid = uid
        return client
    }

    /// A connection on which nothing was sent.
    package func connect() throws(UnixError) -> UnixConnection {
        let descriptor = peers_connect_as(socket, uid ?? geteuid())
        guard descriptor >= 0 else { throw .unreachable(errno: -descriptor) }
        return UnixConnection(descriptor, patience: patience)
    }

    /// A request with its answer, whatever its status.
    package func send(
        _ method: String, _ path: String, _ body: [UInt8]? = nil, _ fields: [String: String] = [:]
    ) throws(UnixError) -> Reply {
        let connection = try connect()
        connection.send(Self.request(method, path, body, fields))
        return try connection.reply()
    }

    /// The bytes of a request after which the server closes.
    package static func request(
        _ method: String, _ path: String, _ body: [UInt8]? = nil, _ fields: [String: String] = [:]
    ) -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: lazuli\r\nConnection: close\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? [])
    }

    /// Hands over server-sent events until `onEvent` returns false or the stream ends.
    package func events(
        _ path: String, _ onEvent: (_ name: String, _ data: [UInt8]) throws -> Bool
    ) throws {
        let connection = try connect()
        connection.send(Self.request("GET", path))
        let head = try connection.head()
        guard head.status == 200 else {
            throw UnixError.refused(try connection.rest(of: head))
        }
        var name = ""
        while let line = try connection.bodyLine(head) {
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("event: ") { name = String(text.dropFirst(7)) }
            if text.hasPrefix("data: "), try !onEvent(name, Array(line.dropFirst(6))) { return }
        }
    }
}

package enum UnixError: Error, Equatable {
    case unreachable(errno: Int32)
    case broken(String)
    /// A stream that was answered with something else.
    case refused(Reply)
}

package struct Reply: Sendable, Equatable {
    package var status: Int
    /// Names in lower case.
    package var fields: [String: String]
    package var body: [UInt8] = []

    package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(body))
    }

    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// An open connection; closed with the value.
package final class UnixConnection {
    package let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Bytes of the body that were taken out of their chunks.
    private var unchunked: [UInt8] = []
    private var isAtEnd = false

    init(_ descriptor: Int32, patience: Int) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
    }

    /// Sends what the peer takes; a server may answer and close before it has read all.
    package func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            sent += count
        }
    }

    package func send(_ text: String) { send(Array(text.utf8)) }

    /// The next answer.
    package func reply() throws(UnixError) -> Reply { try rest(of: try head()) }

    /// Whether the peer closes the connection within so many milliseconds, whatever it says before.
    package func isClosed(within milliseconds: Int) -> Bool {
        let deadline = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
        while case let left = deadline.timeIntervalSinceNow, left > 0 {
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, Int32(left * 1000) + 1) == 1 else { continue }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count == 0 || count < 0 && errno != EAGAIN && errno != EINTR { return true }
        }
        return false
    }

    package func head() throws(UnixError) -> Reply {
        let words = try line().split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw .broken("no status line but \(words)")
        }
        var fields: [String: String] = [:]
        while case let line = try line(), !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1)
            fields[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        return Reply(status: status, fields: fields)
    }

    func rest(of head: Reply) throws(UnixError) -> Reply {
        var reply = head
        if head.fields["transfer-encoding"] == "chunked" {
            while try chunk() {}
            reply.body = unchunked
        } else if let length = head.fields["content-length"].flatMap({ Int($0) }) {
            while buffer.count < length { try fill() }
            reply.body = Array(buffer.prefix(length))
            buffer.removeFirst(length)
        }
        return reply
    }

    /// The next line of a body that comes in chunks, nil at its end.
    func bodyLine(_ head: Reply) throws(UnixError) -> [UInt8]? {
        while true {
            if let end = unchunked.firstIndex(of: 0x0a) {
                defer { unchunked.removeFirst(end + 1) }
                return Array(unchunked[..<end])
            }
            if isAtEnd { return nil }
            isAtEnd = try !chunk()
        }
    }

    private func chunk() throws(UnixError) -> Bool {
        guard let size = Int(try line(), radix: 16) else { throw .broken("a chunk without a size") }
        while buffer.count < size + 2 { try fill() }
        unchunked += buffer.prefix(size)
        buffer.removeFirst(size + 2)
        return size > 0
    }

    private func line() throws(UnixError) -> String {
        while true {
            if let end = buffer.firstIndex(of: 0x0a) {
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: buffer[..<end].filter { $0 != 0x0d }, as: UTF8.self)
            }
            try fill()
        }
    }

    private func fill() throws(UnixError) {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0, errno == EINTR { return }
        guard count > 0 else { throw .broken(count == 0 ? "the connection ended" : String(cString: strerror(errno))) }
        buffer += bytes.prefix(count)
    }
}
