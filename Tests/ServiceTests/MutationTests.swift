import API
import Foundation
import Testing
import UnixHTTP
import Vocabulary

/// Requests as nobody writes them.
@Suite struct MutationTests {
    /// `LAZULI_MUTATIONS` sets how many.
    private static let count = Int(ProcessInfo.processInfo.environment["LAZULI_MUTATIONS"] ?? "") ?? 2000

    private static let requests = [
        ("POST", "/v1/jobs", #"{"prompt": "quick p", "steps": 1, "seed": 7, "priority": 0, "strict": false}"#),
        ("POST", "/v1/jobs", #"{"kind": "describe", "image": "\#(String(repeating: "0a", count: 32))"}"#),
        ("POST", "/v1/estimate", #"{"prompt": "p", "width": 64, "guidance": 1.5, "rng": "torch"}"#),
        ("POST", "/v1/blobs", "bytes of a file"), ("PATCH", "/v1/jobs/0123456789abc", #"{"priority": 1}"#),
        ("DELETE", "/v1/jobs/0123456789abc", ""), ("GET", "/v1/jobs?limit=10&after=0.1.2", ""),
        ("GET", "/v1/jobs/0123456789abc/outputs/0", ""), ("GET", "/v1/jobs/0123456789abc/events", ""),
        ("POST", "/v1/jobs/0123456789abc/pause", ""), ("GET", "/v1/models", ""), ("GET", "/openapi.json", ""),
        ("GET", "/metrics", ""), ("POST", "/v1/models/unload", ""),
    ]
    private static let words = [
        "\u{0}", "\r\n", "\r\n\r\n", "%00", "%", "..", "/", "//", "?", "&", "=", "-1", "99999999999999999999", "1e999",
        "NaN", "null", "true", "{", "}", "[", "]", "\"", "\\u0000", "\\ud800", "é", "\u{feff}", "Content-Length: 5\r\n",
        "Content-Length: -1\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n",
        "Connection: upgrade\r\n",
        "Idempotency-Key: k\r\n", "HTTP/0.9", "HTTP/9.9", String(repeating: "a", count: 5000),
        String(repeating: "[", count: 5000),
    ]

    @Test func `mutated requests change no pid and are never the daemon's fault`() throws {
        let daemon = try RunningDaemon(["--queue-limit", "1000000", "--queue-limit-per-user", "1000000"])
        var random = Generator(seed: 7)
        let pid = try daemon.status().pid
        var client = daemon.client
        client.patience = 1
        var answered = 0
        for number in 0..<Self.count {
            let (method, path, body) = Self.requests[Int.random(in: 0..<Self.requests.count, using: &random)]
            var bytes = UnixClient.request(method, path, Array(body.utf8), ["Content-Type": "application/json"])
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
            let connection = try client.connect()
            connection.send(bytes)
            shutdown(connection.descriptor, Int32(SHUT_WR))
            guard let head = try? connection.head() else { continue }
            answered += 1
            #expect(head.status < 500, "number \(number): \(String(decoding: bytes.prefix(300), as: UTF8.self))")
        }
        #expect(answered > Self.count / 2)
        #expect(try daemon.status().pid == pid)
        #expect(try daemon.result(try daemon.submit("quick").id).state == .succeeded)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Generator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(contentsOf: Array((Self.words.randomElement(using: &random) ?? "").utf8), at: place)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...20, using: &random)))
        case 3: bytes.removeSubrange(place...)
        case 4: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 30)], at: place)
        default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
        }
    }
}
