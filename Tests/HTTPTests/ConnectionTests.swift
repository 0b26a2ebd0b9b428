import API
import Foundation
import HTTP
import NIOCore
import Synchronization
import Testing
import UnixHTTP
import Vocabulary

/// Clients that take places and time.
@Suite struct ConnectionTests {
    private func brief(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits()
        change(&limits)
        return limits
    }

    private func code(_ reply: Reply) throws -> String { try reply.decode(ErrorEnvelope.self).error.code }

    @Test func `idle connections beyond all limits do not silence health, status and cancelling`() async throws {
        // However slow the machine is, nobody is left meanwhile.
        let patient = brief {
            $0.headers = .hours(1)
            $0.idle = .hours(1)
        }
        try await TestServer.serving(connections: Connections(limit: 32), limits: patient) { server throws in
            server.desk.add(JobID("here"), .queued)
            var idle: [UnixConnection] = []
            for _ in 0..<200 { idle.append(try server.client.connect()) }
            for _ in 0..<10 {
                for path in ["/healthz", "/readyz", "/metrics", "/v1/status"] {
                    #expect(try server.client.send("GET", path).status == 200, "\(path)")
                }
                #expect(try server.client.send("DELETE", "/v1/jobs/here").status == 200)
                #expect(try server.client.send("POST", "/v1/jobs/here/pause").status == 200)
            }
            let refused = try server.client.send("POST", "/v1/jobs", Array(#"{"prompt": "p"}"#.utf8))
            #expect(refused.status == 429)
            #expect(try code(refused) == "too_many_connections")
            // Places that are left are free again.
            idle = []
            var status = 429
            for _ in 0..<100 where status == 429 {
                usleep(50_000)
                status = try server.client.send("POST", "/v1/jobs", Array(#"{"prompt": "p"}"#.utf8)).status
            }
            #expect(status == 202)
        }
    }

    @Test func `streams that stay open leave places for health and cancelling`() async throws {
        try await TestServer.serving(connections: Connections(limit: 32)) { server throws in
            server.desk.add(JobID("here"), .queued)
            var streams: [UnixConnection] = []
            for _ in 0..<60 {
                let stream = try server.client.connect()
                stream.send(UnixClient.request("GET", "/v1/jobs/here/events"))
                streams.append(stream)
            }
            // Who is refused while it still sends may find the connection reset.
            let statuses = streams.map { (try? $0.head().status) ?? 429 }
            #expect(Set(statuses) == [200, 429])
            for _ in 0..<10 {
                #expect(try server.client.send("GET", "/healthz").status == 200)
                #expect(try server.client.send("DELETE", "/v1/jobs/here").status == 200)
            }
            withExtendedLifetime(streams) {}
        }
    }

    @Test func `one user cannot take the places of another`() async throws {
        guard geteuid() == 0 else { return print("not root: the kernel vouches for no other user here") }
        try await TestServer.serving(connections: Connections(limit: 32)) { server throws in
            chmod(server.client.socket, 0o666)
            chmod(server.desk.folder, 0o755)
            let greedy = server.client.with(uid: 61_001)
            let idle = try (0..<100).map { _ in try greedy.connect() }
            let refused = try greedy.send("POST", "/v1/jobs", Array(#"{"prompt": "p"}"#.utf8))
            #expect(refused.status == 429)
            #expect(try greedy.send("GET", "/healthz").status == 200)
            let other = server.client.with(uid: 61_002)
            for _ in 0..<20 {
                #expect(try other.send("POST", "/v1/jobs", Array(#"{"prompt": "p"}"#.utf8)).status == 202)
            }
            withExtendedLifetime(idle) {}
        }
    }

    @Test func `who is slow to begin, to send, to go on or to read is left`() async throws {
        let limits = brief {
            $0.headers = .milliseconds(300)
            $0.body = .milliseconds(300)
            $0.idle = .milliseconds(300)
            $0.stall = .milliseconds(300)
        }
        try await TestServer.serving(limits: limits) { server throws in
            for begin in [
                "", "GET /healthz HTTP/1.1\r\nHost: x\r\n",
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
                "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            ] {
                let client = try server.client.connect()
                if !begin.isEmpty { client.send(begin) }
                #expect(client.isClosed(within: 5000), "\(begin)")
            }
            // Headers that trickle do not count as going on.
            let trickle = try server.client.connect()
            trickle.send("GET /healthz HTTP/1.1\r\n")
            let asked = Date()
            var isLeft = false
            for number in 0..<200 where !isLeft {
                trickle.send("X-\(number): y\r\n")
                isLeft = trickle.isClosed(within: 20)
            }
            #expect(isLeft)
            #expect(Date().timeIntervalSince(asked) < 3)
        }
    }

    @Test func `a body that trickles on is not left`() async throws {
        // Longer between two parts than any machine takes, shorter than the whole body does.
        let limits = brief { $0.body = .seconds(3) }
        try await TestServer.serving(limits: limits) { server throws in
            let slow = try server.client.connect()
            let body = #"{"prompt": "p"}"#
            slow.send(
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            for character in body {
                usleep(250_000)
                slow.send(String(character))
            }
            #expect(try slow.reply().status == 202)
        }
    }

    @Test func `a stream without news is not taken for a slow client`() async throws {
        let limits = brief {
            $0.headers = .milliseconds(100)
            $0.body = .milliseconds(100)
            $0.idle = .milliseconds(100)
        }
        try await TestServer.serving(limits: limits) { server throws in
            server.desk.add(JobID("here"), .queued)
            let stream = try server.client.connect()
            stream.send(UnixClient.request("GET", "/v1/jobs/here/events"))
            #expect(try stream.head().status == 200)
            #expect(!stream.isClosed(within: 600))
        }
    }

    @Test func `requests one after the other on a connection are each answered`() async throws {
        try await TestServer.serving { server throws in
            let connection = try server.client.connect()
            for _ in 0..<50 {
                connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try connection.reply().status == 200)
            }
            // And several at once.
            connection.send(String(repeating: "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", count: 20))
            for _ in 0..<20 { #expect(try connection.reply().status == 200) }
        }
    }
}
