/// Reads one HTTP/1.1 response from a stream of bytes: fixed length, chunked, or until the end.
package struct ResponseReader {
    package struct Head: Sendable, Equatable {
        package var status: Int
        /// Names in lower case.
        package var fields: [String: String]
    }

    private enum Framing {
        case length(Int)
        case chunked
        case untilEnd
        case finished
    }

    /// Longest head, and longest line in chunked framing.
    private static let limit = 65_536

    /// Returns the next bytes of the stream, none at its end.
    private let source: () throws(ClientError) -> [UInt8]
    private var buffer: [UInt8] = []
    private var framing = Framing.finished
    private var chunkLeft = 0

    package init(source: @escaping () throws(ClientError) -> [UInt8]) {
        self.source = source
    }

    /// The status line and the fields; call it once, first.
    package mutating func head() throws(ClientError) -> Head {
        let words = try line().split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]), (100..<600).contains(status)
        else { throw .broken("no status line") }
        var fields: [String: String] = [:]
        while case let line = try line(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { throw .broken("a field without a colon") }
            fields[line[..<colon].lowercased()] = trimmed(line[line.index(after: colon)...])
        }
        if fields["transfer-encoding"]?.lowercased() == "chunked" {
            framing = .chunked
        } else if let text = fields["content-length"] {
            guard let length = Int(text), length >= 0 else { throw .broken("a content length of \(text)") }
            framing = .length(length)
        } else {
            framing = .untilEnd
        }
        return Head(status: status, fields: fields)
    }

    /// The next part of the body, or nil at its end. A body that ends early is an error.
    package mutating func part() throws(ClientError) -> [UInt8]? {
        switch framing {
        case .finished:
            return nil
        case .length(0):
            framing = .finished
            return nil
        case .length(let left):
            let part = try take(upTo: left)
            framing = .length(left - part.count)
            return part
        case .untilEnd:
            if buffer.isEmpty { buffer = try source() }
            if buffer.isEmpty {
                framing = .finished
                return nil
            }
            return try take(upTo: buffer.count)
        case .chunked:
            if chunkLeft == 0, try !nextChunk() { return nil }
            let part = try take(upTo: chunkLeft)
            chunkLeft -= part.count
            if chunkLeft == 0 {
                guard try line().isEmpty else { throw .broken("a chunk without an end") }
            }
            return part
        }
    }

    /// The whole body, refused when it is longer than `limit` bytes.
    package mutating func body(limit: Int) throws(ClientError) -> [UInt8] {
        var body: [UInt8] = []
        while let part = try part() {
            guard body.count + part.count <= limit else { throw .broken("more than \(limit) bytes") }
            body += part
        }
        return body
    }

    /// Reads the size of the next chunk; the last one, with its trailers, ends the body.
    private mutating func nextChunk() throws(ClientError) -> Bool {
        let size = try line().prefix { $0 != ";" }
        guard let count = Int(trimmed(size), radix: 16), count >= 0 else { throw .broken("a chunk size of \(size)") }
        if count == 0 {
            while try !line().isEmpty {}
            framing = .finished
            return false
        }
        chunkLeft = count
        return true
    }

    private mutating func take(upTo count: Int) throws(ClientError) -> [UInt8] {
        if buffer.isEmpty { buffer = try source() }
        guard !buffer.isEmpty else { throw .broken("the connection ended early") }
        let part = Array(buffer.prefix(count))
        buffer.removeFirst(part.count)
        return part
    }

    /// A line without its end, which is CRLF or LF.
    private mutating func line() throws(ClientError) -> String {
        var searched = 0
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                var line = buffer[..<end]
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                let text = String(decoding: line, as: UTF8.self)
                buffer.removeSubrange(...end)
                return text
            }
            searched = buffer.count
            guard searched <= Self.limit else { throw .broken("a line of more than \(Self.limit) bytes") }
            let more = try source()
            guard !more.isEmpty else { throw .broken("the connection ended early") }
            buffer += more
        }
    }
}

private func trimmed(_ text: some StringProtocol) -> String {
    let isSpace = { (character: Character) in character == " " || character == "\t" }
    return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
}
