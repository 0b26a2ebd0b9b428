import Foundation
import Jobs
import Testing

@Suite struct JobStoreTests {
    private let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lazuli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appendingPathComponent("journal.sqlite").path
    }

    private func job(_ id: String, priority: Int = 0) -> JobRecord {
        JobRecord(
            id: id + String(repeating: "0", count: 13 - id.count), kind: "generate", priority: priority, uid: 7,
            created: 1, request: "{}")
    }

    private func output(_ job: JobRecord, bytes: Int = 10) -> OutputRecord {
        OutputRecord(
            job: job.id, number: 0, format: "png", width: 8, height: 8, bytes: bytes,
            sha256: String(repeating: "a", count: 64), seed: .max)
    }

    @Test func `higher priority goes first, then age`() throws {
        let store = try JobStore(path: path)
        for (id, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", 5)] {
            _ = try store.add(job(id, priority: priority))
        }
        #expect(try store.queue().map { $0.prefix(1) } == ["b", "d", "a", "c"])
        var order = ""
        while let next = try store.startNext(at: 2) { order += next.id.prefix(1) }
        #expect(order == "bdac")
    }

    @Test func `a reopened journal has everything a killed daemon left`() throws {
        do {
            let store = try JobStore(path: path)
            for id in ["a", "b", "c"] { _ = try store.add(job(id)) }
            let first = try #require(try store.startNext(at: 2))
            _ = try store.succeed(first.id, result: "{}", warnings: "[]", outputs: [output(first)], at: 3)
            _ = try store.startNext(at: 4)
        }
        let store = try JobStore(path: path)
        #expect(try store.abandoned().map { $0.prefix(1) } == ["b"])
        let lost = try store.lose(try #require(try store.abandoned().first), error: "{}", at: 5)
        #expect(lost.state == .queued)
        #expect(lost.attempts == 1)
        #expect(try store.queue().map { $0.prefix(1) } == ["b", "c"])
        let done = try #require(try store.jobs(limit: 10).last)
        #expect(done.state == .succeeded)
        #expect(try store.outputs(of: done.id) == [output(done)])
    }

    @Test func `a job is lost three times at most, and an orderly stop does not count`() throws {
        let store = try JobStore(path: path)
        let id = try store.add(job("a")).id
        for attempt in 1...3 {
            #expect(try store.startNext(at: 1)?.attempts == attempt)
            #expect(try store.interrupt(id, at: 1).attempts == attempt - 1)
            #expect(try store.startNext(at: 1)?.attempts == attempt)
            let lost = try store.lose(id, error: #"{"code":"poison"}"#, at: 2)
            #expect(lost.state == (attempt < 3 ? .queued : .failed))
            #expect((lost.error == nil) == (attempt < 3))
        }
        #expect(try store.startNext(at: 3) == nil)
    }

    @Test func `a refused change leaves the row as it was`() throws {
        let store = try JobStore(path: path)
        let id = try store.add(job("a")).id
        let cancelled = try store.cancel(id, at: 2)
        #expect(throws: JobStoreError.notAllowed(JobStateError(state: .cancelled, event: .cancelled))) {
            try store.cancel(id, at: 3)
        }
        #expect(throws: JobStoreError.unknownJob("nothing")) { try store.cancel("nothing", at: 3) }
        #expect(try store.job(id) == cancelled)
        #expect(throws: JobStoreError.self) { try store.fail(id, error: "not json", at: 3) }
    }

    @Test func `the schema refuses a result that is not JSON, and the job stays as it was`() throws {
        let store = try JobStore(path: path)
        _ = try store.add(job("a"))
        let running = try #require(try store.startNext(at: 2))
        #expect(throws: JobStoreError.self) {
            try store.succeed(running.id, result: "{", warnings: "[]", outputs: [output(running)], at: 3)
        }
        #expect(try store.job(running.id) == running)
        #expect(try store.outputs(of: running.id).isEmpty)
    }

    @Test func `a full queue refuses`() throws {
        let store = try JobStore(path: path)
        _ = try store.add(job("a"), limit: 1)
        #expect(throws: JobStoreError.queueFull(limit: 1)) { try store.add(job("b"), limit: 1) }
        #expect(try store.counts() == [.queued: 1])
    }

    @Test func `the oldest final jobs are forgotten beyond a count and beyond bytes`() throws {
        let store = try JobStore(path: path)
        for (time, id) in ["a", "b", "c", "d"].enumerated() {
            _ = try store.add(job(id))
            let running = try #require(try store.startNext(at: Double(time)))
            _ = try store.succeed(
                running.id, result: "{}", warnings: "[]", outputs: [output(running, bytes: 100)], at: Double(time))
        }
        _ = try store.add(job("e"))
        #expect(try store.prune(history: 10, bytes: 1000).isEmpty)
        #expect(try store.prune(history: 3, bytes: 1000).map { $0.prefix(1) } == ["a"])
        #expect(try store.prune(history: 3, bytes: 250).map { $0.prefix(1) } == ["b"])
        #expect(try store.jobs(limit: 10).map { $0.id.prefix(1) } == ["e", "d", "c"])
    }

    @Test func `identifiers are 13 letters and digits, and differ`() {
        let ids = (0..<100).map { _ in JobRecord.newID() }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.count == 13 && $0.allSatisfy { $0.isLetter || $0.isNumber } })
    }
}
