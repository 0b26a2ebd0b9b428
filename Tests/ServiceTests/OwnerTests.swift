import API
import Foundation
import JSON
import Testing
import UnixHTTP
import Vocabulary

/// Jobs belong to the user at the other end of the socket.
@Suite struct OwnerTests {
    private static let one: UInt32 = 61_001
    private static let other: UInt32 = 61_002

    /// A daemon that every user reaches; nil where the tests cannot become others.
    private func open(_ extra: [String] = []) throws -> RunningDaemon? {
        guard geteuid() == 0 else {
            print("not root: the kernel vouches for no other user here")
            return nil
        }
        let daemon = try RunningDaemon(extra)
        for path in ["", "/run"] { chmod(daemon.folder + path, 0o755) }
        chmod(daemon.client.socket, 0o666)
        return daemon
    }

    @Test func `nobody sees, fetches, changes or infers the job of another`() throws {
        guard let daemon = try open() else { return }
        let job = try daemon.submit("mine", uid: Self.one)
        let absent = JobID("0123456789abc")
        _ = try daemon.result(job.id)
        let stranger = daemon.client.with(uid: Self.other)
        for (method, path, body) in [
            ("GET", "", nil), ("GET", "/events", nil), ("GET", "/outputs/0", nil), ("DELETE", "", nil),
            ("POST", "/pause", nil), ("POST", "/resume", nil), ("PATCH", "", Array(#"{"priority": 0}"#.utf8)),
        ] as [(String, String, [UInt8]?)] {
            let theirs = try stranger.send(method, "/v1/jobs/\(job.id)\(path)", body)
            let nobodys = try stranger.send(method, "/v1/jobs/\(absent)\(path)", body)
            #expect(theirs.status == 404, "\(method) \(path)")
            // Word for word what is said of a job that never was.
            #expect(theirs.text.replacingOccurrences(of: job.id.rawValue, with: absent.rawValue) == nobodys.text)
        }
        #expect(try daemon.jobs(uid: Self.other).isEmpty)
        #expect(try daemon.jobs(uid: Self.one).map(\.id) == [job.id])
        #expect(try daemon.jobs().map(\.id) == [job.id], "root sees all")
        // A file of another is as unknown as one that was never sent.
        let blob = try daemon.upload(Array("picture".utf8), uid: Self.one)
        let body = JSON.object(["kind": .string("describe"), "image": .string(blob.sha256)])
        #expect(try refusal { try daemon.submit(body, uid: Self.other) }.body.code == "unknown_blob")
    }

    @Test func `keys are each user's own`() throws {
        guard let daemon = try open() else { return }
        func submit(_ uid: UInt32, _ prompt: String) throws -> Reply {
            try daemon.client.with(uid: uid).send(
                "POST", "/v1/jobs", Array(#"{"prompt": "\#(prompt)"}"#.utf8), ["Idempotency-Key": "k"])
        }
        let first = try submit(Self.one, "a")
        #expect(first.status == 202)
        #expect(try submit(Self.one, "a").status == 200)
        #expect(try submit(Self.one, "b").status == 422)
        let second = try submit(Self.other, "b")
        #expect(second.status == 202)
        // They outlive the daemon.
        _ = daemon.stop(SIGKILL)
        try daemon.start()
        for path in ["", "/run"] { chmod(daemon.folder + path, 0o755) }
        chmod(daemon.client.socket, 0o666)
        let again = try submit(Self.one, "a")
        #expect(again.status == 200)
        #expect(try again.decode(JobStatus.self).id == first.decode(JobStatus.self).id)
    }

    @Test func `a flood of one user delays the first job of another by two slices at most`() throws {
        guard let daemon = try open() else { return }
        for number in 0..<200 { _ = try daemon.submit("quick flood \(number)", steps: 50, uid: Self.one) }
        let flood = try daemon.jobs(uid: Self.one)
        #expect(flood.count == 200)
        for job in flood.prefix(2) { _ = try? daemon.result(job.id) }
        let job = try daemon.submit("slow guest", steps: 3, uid: Self.other)
        var steps: [Date] = []
        let sent = Date()
        let done = try daemon.follow(job.id) { event in
            if case .progress(let progress) = event, progress.step > 0 { steps.append(Date()) }
        }
        #expect(done?.state == .succeeded)
        // A slice of the flood takes next to nothing; a slice of the guest 0.2 s.
        #expect((steps.first ?? .distantFuture).timeIntervalSince(sent) < 2.0)
        for job in flood { _ = try? daemon.cancel(job.id) }
    }

    @Test func `queue and uploads are bounded for each user, and priority is the administrator's`() throws {
        guard let daemon = try open(["--queue-limit-per-user", "3", "--upload-mib-per-user", "1"]) else { return }
        // Nothing starts while they wait.
        for _ in 0..<8 { _ = try daemon.submit("slow", steps: 100, priority: 10) }
        try wait("eight jobs") { try daemon.status().running == 8 }
        let mine = try (0..<3).map { try daemon.submit("slow \($0)", steps: 50, priority: 10, uid: Self.one) }
        #expect(mine.allSatisfy { $0.priority == 0 && $0.warnings.count == 1 })
        #expect(try daemon.prioritise(mine[0].id, 7, uid: Self.one).priority == 0)
        #expect(try daemon.prioritise(mine[0].id, -3, uid: Self.one).priority == -3)
        var refused: Refusal?
        for _ in 0..<8 where refused == nil {
            do { _ = try daemon.submit("slow", steps: 50, uid: Self.one) } catch let error as Refusal {
                refused = error
            }
        }
        #expect(refused?.status == 503 && refused?.body.code == "queue_full")
        #expect(try daemon.submit("slow", uid: Self.other).priority == 0)
        let large = [UInt8](repeating: 1, count: 700_000)
        _ = try daemon.upload(large, uid: Self.one)
        #expect(try refusal { try daemon.upload([2] + large, uid: Self.one) }.body.code == "storage_full")
        // The same file again is no more.
        _ = try daemon.upload(large, uid: Self.one)
        _ = try daemon.upload([2] + large, uid: Self.other)
    }
}
