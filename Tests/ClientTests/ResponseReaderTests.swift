import Client
import Testing

/// Hands the text out in pieces of a size.
private func reader(_ text: String, pieces size: Int = 1000) -> ResponseReader {
    var rest = Array(text.utf8)
    return ResponseReader { () throws(ClientError) in
        defer { rest.removeFirst(min(size, rest.count)) }
        return Array(rest.prefix(size))
    }
}

@Suite struct ResponseReaderTests {
    private static let fixed = "HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nX-Y:  z \r\n\r\nhelloEXTRA"
    private static let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n"
    private static let open = "HTTP/1.1 404 Not Found\r\n\r\nhello"

    @Test(arguments: [fixed, chunked, open], [1, 2, 3, 5, 7, 1000])
    func `a body is the same however the bytes are cut`(text: String, size: Int) throws {
        var reader = reader(text, pieces: size)
        _ = try reader.head()
        #expect(try String(decoding: reader.body(limit: 100), as: UTF8.self) == "hello")
        #expect(try reader.part() == nil)
    }

    @Test func `the head has the status and the fields in lower case`() throws {
        var reader = reader(Self.fixed)
        let head = try reader.head()
        #expect(head.status == 202)
        #expect(head.fields == ["content-length": "5", "x-y": "z"])
    }

    @Test(arguments: [
        "", "HTTP/1.1", "SPDY 200 OK\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
    ])
    func `what is not a whole response is an error`(text: String) {
        #expect(throws: ClientError.self) {
            var reader = reader(text)
            _ = try reader.head()
            _ = try reader.body(limit: 1000)
        }
    }

    @Test func `a head without an end is refused`() {
        #expect(throws: ClientError.self) {
            var reader = reader("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 100_000))
            _ = try reader.head()
        }
    }

    @Test func `a body beyond its limit is refused`() throws {
        var reader = reader(Self.open)
        _ = try reader.head()
        #expect(throws: ClientError.self) { try reader.body(limit: 4) }
    }
}

@Suite struct EventParserTests {
    private static let stream =
        ": comment\n\nevent: state\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:x\n\nevent: lonely\n\nevent: end\ndata: é\n\n"

    @Test(arguments: 1...12)
    func `events are the same however the bytes are cut`(size: Int) {
        var parser = EventParser()
        var events: [EventParser.Event] = []
        var rest = Array(Self.stream.utf8)
        while !rest.isEmpty {
            events += parser.feed(Array(rest.prefix(size)))
            rest.removeFirst(min(size, rest.count))
        }
        #expect(events.map(\.name) == ["state", "message", "end"])
        #expect(events.map(\.data) == ["{\"a\":\n1}", "x", "é"])
    }
}
