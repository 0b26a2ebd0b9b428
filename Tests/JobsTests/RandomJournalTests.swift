import Foundation
import GRDB
import Jobs
import Testing
import Vocabulary

/// Journals under random orders, under other programs, and of the version before.
@Suite struct RandomJournalTests {
    /// A generator with a seed, so that a failure can be seen again.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    /// What the test knows of a job.
    private struct Known {
        var lease: LeaseID?
        var state = JobState.queued
        var paused = false
        var step = 0
    }

    private func ending(_ generator: inout Generator) -> Ending {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: .succeeded(result: "{}", outputs: [file()])
        case 1: .failed(error: "{}")
        case 2: .cancelled
        case 3: .interrupted
        default: .lost(error: "{}")
        }
    }

    @Test(arguments: 1...12) func `in every script no job is lost, none has two holders and ends are numbered in order`(
        seed: UInt64
    ) async throws {
        var generator = Generator(state: seed)
        let folder = try TemporaryFolder()
        var journal = try folder.journal()
        var known: [JobID: Known] = [:]
        var stale: [LeaseID] = []
        var lastEnding: Int64 = 0
        var newest: JobID?
        var now = 0.0
        for number in 0..<250 {
            // The machine's clock goes forward; the wall's goes where it likes.
            now += Double.random(in: 0...10, using: &generator)
            let wall = Double.random(in: -1e6...1e6, using: &generator)
            let ids = known.keys.sorted { $0.rawValue < $1.rawValue }
            switch Int.random(in: 0..<12, using: &generator) {
            case 0...3:
                let job = record("j\(number + 1)x", priority: Int.random(in: -3...3, using: &generator))
                _ = try await journal.add(job)
                known[job.id] = Known()
            case 4...6:
                let claimed = try await journal.claim(now: now, until: now + 20, at: wall) { $0.first?.id }
                // Whose lease had run out waits again, and may be the one that was claimed.
                for (id, job) in known where job.state == .running {
                    let state = try await journal.job(id)?.job
                    guard state?.lease != job.lease else { continue }
                    stale += [job.lease].compactMap(\.self)
                    known[id]?.lease = nil
                    known[id]?.state = .queued
                }
                guard let claimed else { continue }
                #expect(known[claimed.job.id]?.state == .queued && known[claimed.job.id]?.paused == false)
                #expect(claimed.checkpoint?.step ?? 0 == known[claimed.job.id]?.step)
                known[claimed.job.id]?.state = .running
                known[claimed.job.id]?.lease = claimed.lease
            case 7:
                guard let (id, job) = known.first(where: { $0.value.lease != nil }), let lease = job.lease else {
                    continue
                }
                let step = Int.random(in: 1...50, using: &generator)
                try await journal.checkpoint(
                    lease,
                    CheckpointRecord(job: id, file: "c", bytes: 1, facts: "{}", progress: "{}", step: step), outputs: []
                )
                known[id]?.step = step
            case 8, 9:
                guard let (id, job) = known.first(where: { $0.value.lease != nil }), let lease = job.lease else {
                    continue
                }
                let done = try await journal.finish(lease, ending(&generator), warnings: "[]", at: wall)
                stale.append(lease)
                known[id]?.lease = nil
                known[id]?.state = done.state
                #expect(done.attempts <= JobState.maximumAttempts)
                if let ending = done.ending {
                    #expect(ending > lastEnding && done.state.isFinal)
                    (lastEnding, newest) = (ending, id)
                }
            case 10:
                guard let id = ids.randomElement(using: &generator), known[id]?.state == .queued else { continue }
                if Bool.random(using: &generator) {
                    known[id]?.paused = try await journal.setPaused(id, Bool.random(using: &generator)).paused
                } else {
                    let done = try await journal.end(id, .cancelled, at: wall)
                    known[id]?.state = .cancelled
                    (lastEnding, newest) = (try #require(done.ending), id)
                }
            default:
                let pruned = try await journal.prune(history: 5, bytes: 30, ownBytes: 30)
                #expect(newest.map { !pruned.jobs.contains($0) } ?? true)
                for id in pruned.jobs {
                    #expect(known[id]?.state.isFinal == true)
                    known[id] = nil
                }
                // As after a crash.
                journal = try folder.journal()
            }
            for lease in stale.suffix(3) {
                await #expect(throws: JournalError.leaseLost) {
                    try await journal.finish(lease, .succeeded(result: "{}", outputs: []), warnings: "[]", at: wall)
                }
            }
            let listed = try await journal.jobs(after: nil, limit: 10_000, of: nil).entries
            #expect(Set(listed.map(\.job.id)) == Set(known.keys) && listed.count == known.count)
            #expect(listed.allSatisfy { known[$0.job.id]?.state == $0.job.state })
        }
        #expect(lastEnding > 0 && !stale.isEmpty)
    }

    @Test func `another program's lock makes a writer wait and then say so, and readers do not wait`() async throws {
        let folder = try TemporaryFolder()
        let journal = try folder.journal()
        _ = try await journal.add(record("a"))
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: folder.journalPath, configuration: configuration)
        try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
        #expect(try await journal.names() == ["a"])
        #expect(try await journal.counts() == [.queued: 1])
        do throws(JournalError) {
            _ = try await journal.add(record("b"), key: ("k", "body"))
            Issue.record("a locked journal was written")
        } catch {
            #expect(error.mayPass, "\(error)")
        }
        try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
        // The key was not claimed either.
        #expect(try await journal.add(record("b"), key: ("k", "body")).isNew)
        #expect(try await journal.names() == ["a", "b"])
    }

    /// Random rows of version 0.1 beside those of the fixture.
    @Test(arguments: 1...8) func `every job of version 0.1 is kept, whatever its state`(seed: UInt64) async throws {
        var generator = Generator(state: seed)
        let folder = try TemporaryFolder()
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Goldens/v0.1/journal.sqlite").standardizedFileURL
        try FileManager.default.copyItem(at: golden, to: URL(fileURLWithPath: folder.journalPath))
        var states: [JobID: JobState] = [:]
        var attempts: [JobID: Int] = [:]
        var ends: [(id: JobID, finished: Double)] = []
        do {
            let old = try DatabaseQueue(path: folder.journalPath)
            for number in 0..<60 {
                let id = identifier("j\(number + 100)x")
                let state = JobState.allCases.randomElement(using: &generator) ?? .queued
                // Clocks step, and several jobs may have ended at once.
                let finished = state.isFinal ? Double(Int.random(in: -5...5, using: &generator)) : nil
                states[id] = state
                // A job that was lost for the third time waited no more.
                let most = state == .queued ? 2 : 3
                attempts[id] = Int.random(in: (state == .running ? 1 : 0)...most, using: &generator)
                if let finished { ends.append((id, finished)) }
                let request = [#"{"prompt":"a\nb"}"#, "{}", #"{"prompt":7}"#, "[]"].randomElement(using: &generator)
                let values: StatementArguments = [
                    id.rawValue, state.rawValue, Int.random(in: -10...10, using: &generator), attempts[id], finished,
                    request, state == .succeeded ? "{}" : nil, state == .failed ? "{}" : nil,
                ]
                try await old.write { db in
                    try db.execute(
                        sql: """
                            INSERT INTO job (id, kind, state, priority, uid, attempts, created, started, finished, request,
                                warnings, result, error)
                            VALUES (?, 'generate', ?, ?, 4294967295, ?, 1, 2, ?, ?, '[]', ?, ?)
                            """,
                        arguments: values)
                    guard state == .succeeded else { return }
                    try db.execute(
                        sql: "INSERT INTO output VALUES (?, 0, 'png', 8, 8, 10, ?, '18446744073709551615')",
                        arguments: [id.rawValue, String(repeating: "a", count: 64)])
                }
            }
        }
        let journal = try folder.journal()
        let entries = try await journal.jobs(after: nil, limit: 1000, of: .max).entries
        #expect(Set(entries.map(\.job.id)) == Set(states.keys))
        for entry in entries {
            let before = states[entry.job.id]
            #expect(entry.job.state == (before == .running ? .queued : before))
            #expect(entry.job.attempts == (attempts[entry.job.id] ?? 0) - (before == .running ? 1 : 0))
            #expect(entry.outputs == (before == .succeeded ? [file()] : []))
        }
        let order = entries.filter(\.job.state.isFinal).sorted { $0.job.ending ?? 0 < $1.job.ending ?? 0 }.map(\.job.id)
        let finished = Dictionary(uniqueKeysWithValues: ends.map { ($0.id, $0.finished) })
        #expect(zip(order, order.dropFirst()).allSatisfy { finished[$0] ?? 0 <= finished[$1] ?? 0 })
        #expect(Set(entries.compactMap(\.job.ending)).count == ends.count)
        // Everything that waits can be started and ended.
        while let claimed = try await journal.start() {
            _ = try await journal.finish(claimed.lease, .cancelled, warnings: "[]", at: 3)
        }
        #expect(try await journal.counts()[.queued] == nil)
    }
}
