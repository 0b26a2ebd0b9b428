import Foundation
import Jobs
import Testing
import Vocabulary

/// Leases, checkpoints and the ends of jobs.
@Suite struct QueueTests {
    private let folder: TemporaryFolder
    private let journal: Journal

    init() throws {
        folder = try TemporaryFolder()
        journal = try folder.journal()
    }

    private func point(_ job: JobID, step: Int, text: String = "") -> CheckpointRecord {
        CheckpointRecord(job: job, file: "c\(step)", bytes: 3, facts: "{}", progress: "{}", step: step, text: text)
    }

    @Test func `higher priority goes first, then age`() async throws {
        for (name, priority) in [("a", 0), ("b", 5), ("c", 0), ("d", 5)] {
            _ = try await journal.add(record(name, priority: priority))
        }
        #expect(try await journal.waiting().map(\.id.name) == ["b", "d", "a", "c"])
        var order = ""
        while let next = try await journal.start() { order += next.job.id.name }
        #expect(order == "bdac")
    }

    @Test func `the policy chooses, and may choose nobody`() async throws {
        for name in ["a", "b"] { _ = try await journal.add(record(name)) }
        #expect(try await journal.claim(now: 0, until: 1, at: 0) { _ in nil } == nil)
        #expect(try await journal.claim(now: 0, until: 1, at: 0) { _ in JobID("stranger") } == nil)
        #expect(try await journal.claim(now: 0, until: 1, at: 0) { $0.last?.id }?.job.id.name == "b")
    }

    @Test func `whoever lost a lease cannot say anything about the job`() async throws {
        _ = try await journal.add(record("a"))
        let first = try #require(try await journal.start(0))
        // The lease runs out; the next one who asks gets the job.
        let second = try #require(try await journal.start(61))
        #expect(second.job.id == first.job.id && second.lease != first.lease)
        #expect(second.job.attempts == 1 && second.job.starts == 2)
        let endings: [Ending] = [
            .succeeded(result: "{}", outputs: [file()]), .failed(error: "{}"), .cancelled, .interrupted,
            .lost(error: "{}"),
        ]
        for ending in endings {
            await #expect(throws: JournalError.leaseLost) {
                try await journal.finish(first.lease, ending, warnings: "[]", at: 3)
            }
        }
        await #expect(throws: JournalError.leaseLost) {
            try await journal.checkpoint(first.lease, point(first.job.id, step: 1), outputs: [])
        }
        try await journal.heartbeat([first.lease], until: 10_000)
        #expect(try await journal.job(first.job.id)?.job == second.job)
        let done = try await journal.finish(
            second.lease, .succeeded(result: "{}", outputs: [file()]), warnings: "[]", at: 4)
        #expect(done.state == .succeeded)
        await #expect(throws: JournalError.leaseLost) {
            try await journal.finish(second.lease, .cancelled, warnings: "[]", at: 5)
        }
    }

    @Test func `a heartbeat keeps the job`() async throws {
        _ = try await journal.add(record("a"))
        let claimed = try #require(try await journal.start(0))
        for now in stride(from: 50.0, to: 500, by: 50) {
            try await journal.heartbeat([claimed.lease], until: now + 60)
            #expect(try await journal.start(now) == nil)
        }
        #expect(try await journal.start(600)?.job.id == claimed.job.id)
    }

    @Test func `a lease of one job is no lease of another`() async throws {
        for name in ["a", "b"] { _ = try await journal.add(record(name)) }
        let first = try #require(try await journal.start())
        let second = try #require(try await journal.start())
        await #expect(throws: JournalError.leaseLost) {
            try await journal.checkpoint(first.lease, point(second.job.id, step: 1), outputs: [])
        }
    }

    @Test func `a job is lost three times at most, and an orderly stop does not count`() async throws {
        _ = try await journal.add(record("a"))
        for attempt in 1...3 {
            var claimed = try #require(try await journal.start())
            #expect(claimed.job.attempts == attempt)
            let back = try await journal.finish(claimed.lease, .interrupted, warnings: "[]", at: 1)
            #expect(back.state == .queued && back.attempts == attempt - 1)
            claimed = try #require(try await journal.start())
            let lost = try await journal.finish(
                claimed.lease, .lost(error: #"{"code":"poison"}"#), warnings: "[]", at: 2)
            #expect(lost.state == (attempt < 3 ? .queued : .failed))
            #expect((lost.error == nil) == (attempt < 3))
        }
        #expect(try await journal.start() == nil)
    }

    @Test func `a job that gets on may be struck for ever, one that does not may not`() async throws {
        _ = try await journal.add(record("a"))
        let id = identifier("a")
        for step in 1...10 {
            let claimed = try #require(try await journal.start())
            #expect(claimed.checkpoint?.step == (step > 1 ? step - 1 : nil))
            try await journal.checkpoint(claimed.lease, point(id, step: step), outputs: [])
            let lost = try await journal.finish(claimed.lease, .lost(error: "{}"), warnings: "[]", at: 2)
            #expect(lost.state == .queued && lost.attempts == 0)
        }
        // The same steps again and again are no progress.
        for attempt in 1...3 {
            let claimed = try #require(try await journal.start())
            try await journal.checkpoint(claimed.lease, point(id, step: 7), outputs: [])
            let lost = try await journal.finish(claimed.lease, .lost(error: "{}"), warnings: "[]", at: 2)
            #expect(lost.state == (attempt < 3 ? .queued : .failed))
        }
    }

    @Test func `a checkpoint brings the files and the text that it presumes`() async throws {
        _ = try await journal.add(record("a"))
        let first = try #require(try await journal.start())
        #expect(first.checkpoint == nil && first.outputs.isEmpty)
        try await journal.checkpoint(first.lease, point(first.job.id, step: 1), outputs: [file(0)])
        try await journal.checkpoint(
            first.lease, point(first.job.id, step: 2, text: "ab"), outputs: [file(0), file(1)])
        _ = try await journal.finish(first.lease, .interrupted, warnings: "[]", at: 2)
        // Files are promised to nobody before the end.
        #expect(try await journal.job(first.job.id)?.outputs == [])
        let second = try #require(try await journal.start())
        #expect(second.checkpoint == point(first.job.id, step: 2, text: "ab"))
        #expect(second.outputs == [file(0), file(1)])
        _ = try await journal.finish(
            second.lease, .succeeded(result: "{}", outputs: [file(0), file(1), file(2)]), warnings: "[]", at: 3)
        #expect(try await journal.job(first.job.id)?.outputs.count == 3)
    }

    @Test func `a reopened journal has everything a killed daemon left`() async throws {
        for name in ["a", "b", "c", "d"] { _ = try await journal.add(record(name)) }
        let first = try #require(try await journal.start())
        _ = try await journal.finish(
            first.lease, .succeeded(result: "{}", outputs: [file()]), warnings: "[]", at: 3)
        _ = try await journal.start()
        let other = try #require(try await journal.start())
        try await journal.checkpoint(other.lease, point(other.job.id, step: 4), outputs: [])
        let again = try folder.journal()
        let back = try await again.recover(answering: identifier("b"), error: "{}", at: 5)
        #expect(back.map(\.id.name).sorted() == ["b", "c"])
        #expect(back.allSatisfy { $0.state == .queued })
        // Only the job that the worker was at answers.
        #expect(Dictionary(uniqueKeysWithValues: back.map { ($0.id.name, $0.attempts) }) == ["b": 1, "c": 0])
        #expect(try await again.waiting().map(\.id.name) == ["b", "c", "d"])
        await #expect(throws: JournalError.leaseLost) {
            try await again.finish(other.lease, .cancelled, warnings: "[]", at: 6)
        }
        let done = try #require(try await again.job(identifier("a")))
        #expect(done.job.state == .succeeded && done.outputs == [file()])
        _ = try await again.start()
        #expect(try await again.start()?.checkpoint?.step == 4)
    }

    @Test func `a refused change leaves the row as it was`() async throws {
        _ = try await journal.add(record("a"))
        let id = identifier("a")
        let cancelled = try await journal.end(id, .cancelled, at: 2)
        let refusal = JournalError.notAllowed(JobStateError(state: .cancelled, event: .cancelled))
        await #expect(throws: refusal) { try await journal.end(id, .cancelled, at: 3) }
        await #expect(throws: refusal) { try await journal.setPaused(id, true) }
        await #expect(throws: refusal) { try await journal.setPriority(id, 3, warnings: nil) }
        let stranger = identifier("nothing")
        await #expect(throws: JournalError.unknownJob(stranger)) { try await journal.end(stranger, .cancelled, at: 3) }
        await #expect(throws: JournalError.unknownJob(stranger)) { try await journal.setPaused(stranger, true) }
        #expect(try await journal.job(id)?.job == cancelled)
    }

    @Test func `what breaks a rule of the schema is refused for good, and the job stays as it was`() async throws {
        _ = try await journal.add(record("a"))
        let claimed = try #require(try await journal.start())
        let broken: [Ending] = [
            .succeeded(result: "{", outputs: []), .succeeded(result: "{}", outputs: [file(bytes: 0)]),
            .succeeded(result: "{}", outputs: [file(-1)]), .succeeded(result: "{}", outputs: [file(), file()]),
            .failed(error: "no JSON"),
        ]
        for ending in broken {
            do throws(JournalError) {
                _ = try await journal.finish(claimed.lease, ending, warnings: "[]", at: 3)
                Issue.record("\(ending) was taken")
            } catch {
                guard case .refused = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(!error.mayPass)
            }
            #expect(try await journal.job(claimed.job.id)?.job == claimed.job)
            #expect(try await journal.job(claimed.job.id)?.outputs == [])
        }
    }

    @Test func `a running job ends only by the holder of its lease`() async throws {
        _ = try await journal.add(record("a"))
        _ = try await journal.start()
        await #expect(throws: JournalError.leaseLost) { try await journal.end(identifier("a"), .cancelled, at: 3) }
    }

    @Test func `a paused job keeps its place and is not given out`() async throws {
        for name in ["a", "b"] { _ = try await journal.add(record(name)) }
        #expect(try await journal.setPaused(identifier("a"), true).paused)
        #expect(try await journal.start()?.job.id.name == "b")
        #expect(try await journal.start() == nil)
        _ = try await journal.setPaused(identifier("a"), false)
        #expect(try await journal.start()?.job.id.name == "a")
    }
}
