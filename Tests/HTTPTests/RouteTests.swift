import API
import Foundation
import HTTP
import JSON
import Synchronization
import Testing
import UnixHTTP
import Vocabulary

@Suite struct RouteTests {
    @Test func `a key makes a repeated submission return the first job`() async throws {
        try await TestServer.serving { server throws in
            func submit(_ body: String, _ key: String?) throws -> Reply {
                try server.client.send(
                    "POST", "/v1/jobs", Array(body.utf8), key.map { ["Idempotency-Key": $0] } ?? [:])
            }
            let first = try submit(#"{"prompt": "p"}"#, "k")
            let again = try submit(#"{"prompt": "p"}"#, "k")
            #expect(first.status == 202)
            #expect(again.status == 200)
            #expect(try first.decode(JobStatus.self).id == again.decode(JobStatus.self).id)
            // The bytes are the body, not what they mean.
            #expect(try submit(#"{"prompt":"p"}"#, "k").status == 422)
            #expect(try submit(#"{"prompt": "p"}"#, "K").status == 202)
            #expect(try submit(#"{"prompt": "p"}"#, nil).status == 202)
            for key in ["", " ", "a b", "é", String(repeating: "k", count: 256)] {
                let reply = try submit(#"{"prompt": "p"}"#, key)
                #expect(reply.status == 400, "\(key)")
                #expect(try reply.decode(ErrorEnvelope.self).error.code == "bad_idempotency_key")
            }
            #expect(try submit(#"{"prompt": "p"}"#, String(repeating: "k", count: 255)).status == 202)
            #expect(server.desk.state.withLock { $0.jobs.count } == 4)
        }
    }

    @Test func `pages together are the whole list, and a page has at most 200 jobs`() async throws {
        try await TestServer.serving { server throws in
            for number in 0..<450 { server.desk.add(JobID("job\(number)"), .queued) }
            for (asked, given) in [(1, 1), (7, 7), (200, 200), (1000, 200)] {
                var all: [JobID] = []
                var after: String?
                var pages = 0
                repeat {
                    let reply = try server.client.send(
                        "GET", "/v1/jobs?limit=\(asked)\(after.map { "&after=\($0)" } ?? "")")
                    let page = try reply.decode(JobListing.self)
                    #expect(page.data.count == min(given, 450 - all.count))
                    all += page.data.map(\.id)
                    after = page.next
                    pages += 1
                } while after != nil && pages < 20
                #expect(all == (0..<all.count).map { JobID("job\($0)") })
                #expect(all.count == min(450, 20 * given))
            }
            #expect(try server.client.send("GET", "/v1/jobs").decode(JobListing.self).data.count == 100)
        }
    }

    @Test func `the priority changes, and only it`() async throws {
        try await TestServer.serving { server throws in
            server.desk.add(JobID("q"), .queued)
            server.desk.add(JobID("r"), .running)
            for priority in [-10, 0, 10] {
                let body = Array(#"{"priority": \#(priority)}"#.utf8)
                let reply = try server.client.send("PATCH", "/v1/jobs/q", body)
                #expect(reply.status == 200)
                #expect(try reply.decode(JobStatus.self).priority == priority)
                // What a worker has yet to obey is accepted, not done.
                #expect(try server.client.send("PATCH", "/v1/jobs/r", body).status == 202)
            }
            for action in [("DELETE", "/v1/jobs/"), ("POST", "/v1/jobs/%/pause"), ("POST", "/v1/jobs/%/resume")] {
                for (id, status) in [("q", 200), ("r", 202)] {
                    let path = action.1.contains("%") ? action.1.replacingOccurrences(of: "%", with: id) : action.1 + id
                    #expect(try server.client.send(action.0, path).status == status)
                }
            }
        }
    }

    @Test func `an upload is kept under its SHA-256, whatever its bytes and framing`() async throws {
        try await TestServer.serving { server throws in
            for size in [1, 65_536, 1 << 20, 3_000_001] {
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                let whole = try server.client.send("POST", "/v1/blobs", bytes, ["Content-Type": "image/png"])
                #expect(whole.status == 201)
                let reply = try whole.decode(BlobReply.self)
                #expect(reply.bytes == size)
                #expect(reply.sha256.utf8.count == 64)
                #expect(server.desk.state.withLock { $0.uploads[reply.sha256] } == size)

                let chunked = try server.client.connect()
                chunked.send(
                    "POST /v1/blobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in stride(from: 0, to: size, by: 70_000) {
                    let part = bytes[start..<min(start + 70_000, size)]
                    chunked.send(Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8))
                }
                chunked.send("0\r\n\r\n")
                #expect(try chunked.reply().decode(BlobReply.self) == reply)
            }
            #expect(
                try server.client.send("POST", "/v1/blobs", Array("abc".utf8)).decode(BlobReply.self).sha256
                    == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        }
    }

    @Test func `a stream ends with the result, and no text breaks its lines`() async throws {
        try await TestServer.serving { server throws in
            server.desk.add(JobID("done"), .succeeded)
            var names: [String] = []
            var data: [String: Data] = [:]
            try server.client.events("/v1/jobs/done/events") { name, bytes in
                names.append(name)
                data[name] = Data(bytes)
                return true
            }
            let warning = try JSONDecoder().decode(WarningEvent.self, from: try #require(data["warning"]))
            #expect(warning.message == "line one\nevent: result")
            let text = try JSONDecoder().decode(TextEvent.self, from: try #require(data["text"]))
            #expect(text == TextEvent(offset: 0, text: "é\r\n"))
            let preview = try JSONDecoder().decode(Preview.self, from: try #require(data["preview"]))
            #expect(preview == FakeDesk.preview)
            #expect(names == ["state", "progress", "warning", "text", "preview", "result"])
        }
    }

    @Test func `each request is of the user at the other end`() async throws {
        guard geteuid() == 0 else { return print("not root: the kernel vouches for no other user here") }
        try await TestServer.serving { server throws in
            chmod(server.client.socket, 0o666)
            chmod(server.desk.folder, 0o755)
            let one = server.client.with(uid: 61_001)
            let other = server.client.with(uid: 61_002)
            let job = try one.send("POST", "/v1/jobs", Array(#"{"prompt": "p"}"#.utf8)).decode(JobStatus.self)
            #expect(try one.send("GET", "/v1/jobs/\(job.id)").status == 200)
            #expect(try other.send("GET", "/v1/jobs/\(job.id)").status == 404)
            #expect(try other.send("DELETE", "/v1/jobs/\(job.id)").status == 404)
            #expect(server.desk.state.withLock { Set($0.peers.map(\.uid)) } == [61_001, 61_002])
        }
    }

    @Test func `while the daemon stops it lives but is not ready`() async throws {
        try await TestServer.serving { server throws in
            server.desk.state.withLock { $0.isDraining = true }
            #expect(try server.client.send("GET", "/healthz").status == 200)
            #expect(try server.client.send("GET", "/readyz").status == 503)
            #expect(try server.client.send("GET", "/v1/status").status == 200)
        }
    }
}
