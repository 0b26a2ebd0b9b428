import Foundation
import GRDB
import Jobs
import Testing
import Vocabulary

/// What is taken, listed, kept and forgotten.
@Suite struct JournalTests {
    private let folder: TemporaryFolder
    private let journal: Journal

    init() throws {
        folder = try TemporaryFolder()
        journal = try folder.journal()
    }

    @Test func `a key stands for one job of one user and one body`() async throws {
        let first = try await journal.add(record("a"), key: ("k", "body"))
        #expect(first.isNew)
        let again = try await journal.add(record("b"), key: ("k", "body"))
        #expect(!again.isNew && again.job == first.job)
        await #expect(throws: JournalError.keyTaken) { try await journal.add(record("c"), key: ("k", "other")) }
        #expect(try await journal.add(record("d", uid: 8), key: ("k", "other")).isNew)
        #expect(try await journal.names() == ["a", "d"])
        // A full queue still answers for what it has.
        #expect(
            try await journal.add(record("e"), key: ("k", "body"), limits: Journal.QueueLimits(all: 0)).job.id
                == first.job.id)
    }

    @Test func `a key is claimed with its job or not at all`() async throws {
        let missing = Blob(sha256: String(repeating: "b", count: 64))
        await #expect(throws: JournalError.unknownBlob(missing.sha256)) {
            try await journal.add(record("a"), inputs: [missing], key: ("k", "body"))
        }
        #expect(try await journal.job(key: "k", body: "body", uid: 7) == nil)
        #expect(try await journal.names().isEmpty)
        #expect(try await journal.add(record("b"), key: ("k", "another")).isNew)
    }

    @Test func `hundred submissions of a key at once make one job`() async throws {
        let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
            for number in 0..<100 {
                group.addTask { [journal] in
                    try await journal.add(record("j\(number + 100)"), key: ("k", "body")).job.id
                }
            }
            return try await group.reduce(into: Set<JobID>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try await journal.names().count == 1)
    }

    @Test func `a full queue refuses, for all and for one`() async throws {
        let limits = Journal.QueueLimits(all: 3, own: 2)
        for name in ["a", "b"] { _ = try await journal.add(record(name), limits: limits) }
        await #expect(throws: JournalError.ownQueueFull(limit: 2)) {
            try await journal.add(record("c"), limits: limits)
        }
        _ = try await journal.add(record("d", uid: 8), limits: limits)
        await #expect(throws: JournalError.queueFull(limit: 3)) {
            try await journal.add(record("e", uid: 9), limits: limits)
        }
        _ = try await journal.start()
        _ = try await journal.add(record("f"), limits: limits)
        #expect(try await journal.counts() == [.queued: 3, .running: 1])
    }

    @Test(arguments: [1, 2, 3, 5, 100]) func `pages of any size are the whole list once`(size: Int) async throws {
        for number in 0..<7 { try await journal.succeed(record("d\(number)x"), at: Double(100 - number)) }
        for (name, priority) in [("w", 0), ("v", 3), ("u", 0)] {
            _ = try await journal.add(record(name, priority: priority))
        }
        _ = try await journal.claim(now: 0, until: 60, at: 0) { waiting in waiting.first { $0.id.name == "u" }?.id }
        var listed: [String] = []
        var cursor: String?
        repeat {
            let page = try await journal.jobs(after: cursor, limit: size, of: nil)
            #expect(page.entries.count <= size)
            #expect(page.entries.allSatisfy { $0.job.request.isEmpty })
            listed += page.entries.map(\.job.id.name)
            cursor = page.next
        } while cursor != nil
        // Running, waiting in the order of the queue, final by the order of their ends, whatever their clocks said.
        #expect(listed == ["u", "v", "w"] + (0..<7).reversed().map { "d\($0)x" }.map { identifier($0).name })
    }

    @Test(arguments: ["", "x", "1.2", "1.2.3.4", "1.2.x", "9223372036854775808.0.0", "..", "1.2.3 "])
    func `a cursor that none gave out is refused`(cursor: String) async throws {
        await #expect(throws: JournalError.badCursor) { try await journal.jobs(after: cursor, limit: 1, of: nil) }
    }

    @Test func `a user sees the user's own`() async throws {
        for (name, uid) in [("a", UInt32(1)), ("b", 2), ("c", 1)] { _ = try await journal.add(record(name, uid: uid)) }
        #expect(try await journal.names(1) == ["a", "c"])
        #expect(try await journal.names(2) == ["b"])
        #expect(try await journal.names(3).isEmpty)
        #expect(try await journal.job(identifier("a"), of: 2) == nil)
        #expect(try await journal.job(identifier("a"), of: 1)?.job.uid == 1)
    }

    // MARK: Forgetting

    @Test(arguments: [1.0, -86_400, 86_400]) func `the jobs that ended first go first, however the clock steps`(
        step: Double
    ) async throws {
        for (number, name) in ["a", "b", "c", "d"].enumerated() {
            try await journal.succeed(record(name), bytes: 100, at: 1e9 + Double(number) * step)
        }
        _ = try await journal.add(record("e"))
        func pruned(_ history: Int, _ bytes: Int) async throws -> [String] {
            try await journal.prune(history: history, bytes: bytes, ownBytes: .max).jobs.map(\.name).sorted()
        }
        #expect(try await pruned(10, 1000).isEmpty)
        #expect(try await pruned(3, 1000) == ["a"])
        #expect(try await pruned(3, 250) == ["b"])
        #expect(try await journal.names() == ["e", "d", "c"])
        // The job that ended last stays, however large it is.
        #expect(try await pruned(0, 0) == ["c"])
        #expect(try await journal.names() == ["e", "d"])
    }

    @Test func `a user's bytes push out that user's jobs only`() async throws {
        for (name, uid) in [("a", UInt32(1)), ("b", 2), ("c", 1), ("d", 1)] {
            try await journal.succeed(record(name, uid: uid), bytes: 100, at: 1)
        }
        #expect(
            try await journal.prune(history: 10, bytes: 1000, ownBytes: 150).jobs.map(\.name).sorted() == ["a", "c"])
        #expect(try await journal.names() == ["d", "b"])
    }

    @Test func `a file that was sent goes with the last job that names it`() async throws {
        let blob = OwnedBlob(uid: 7, sha256: String(repeating: "c", count: 64), bytes: 10)
        let name = Blob(sha256: blob.sha256)
        try await journal.add(blob, limit: 1 << 20)
        try await journal.add(blob, limit: 0)  // It is there already.
        #expect(try await journal.holds(name, uid: 7))
        #expect(try await !journal.holds(name, uid: 8))
        #expect(try await journal.unusedBlobs() == [blob])
        for letter in ["a", "b"] {
            _ = try await journal.add(record(letter), inputs: [name])
            _ = try await journal.end(identifier(letter), .cancelled, at: 1)
        }
        #expect(try await journal.unusedBlobs().isEmpty)
        #expect(try await !journal.removeIfUnused(blob))
        #expect(try await journal.prune(history: 1, bytes: 1000, ownBytes: 1000).blobs.isEmpty)
        _ = try await journal.add(record("c"))
        _ = try await journal.end(identifier("c"), .cancelled, at: 1)
        #expect(try await journal.prune(history: 1, bytes: 1000, ownBytes: 1000).blobs.map(\.sha256) == [blob.sha256])
        #expect(try await journal.blobs().isEmpty)
    }

    @Test func `files of a user have a limit, and small ones count as the blocks that they take`() async throws {
        func blob(_ number: Int, _ bytes: Int) -> OwnedBlob {
            OwnedBlob(uid: 7, sha256: String(format: "%064d", number), bytes: bytes)
        }
        try await journal.add(blob(1, 1), limit: 10_000)
        try await journal.add(blob(2, 1), limit: 10_000)
        await #expect(throws: JournalError.storageFull(limit: 10_000)) {
            try await journal.add(blob(3, 5000), limit: 10_000)
        }
        await #expect(throws: JournalError.storageFull(limit: 10_000)) {
            try await journal.add(blob(4, .max), limit: 10_000)
        }
        try await journal.add(OwnedBlob(uid: 8, sha256: blob(3, 1).sha256, bytes: 5000), limit: 10_000)
        await #expect(throws: JournalError.unknownBlob(blob(3, 1).sha256)) {
            try await journal.add(record("a"), inputs: [Blob(sha256: blob(3, 1).sha256)])
        }
    }

    // MARK: The file

    @Test func `a journal that a newer version wrote is refused and stays as it is`() throws {
        let path = folder.journalPath
        for statement in ["PRAGMA user_version = 9", "INSERT INTO grdb_migrations VALUES ('9 something new')"] {
            let other = try TemporaryFolder()
            _ = try other.journal()
            try DatabaseQueue(path: other.journalPath).write { try $0.execute(sql: statement) }
            let before = try Data(contentsOf: URL(fileURLWithPath: other.journalPath))
            do throws(JournalError) {
                _ = try Journal(path: other.journalPath)
                Issue.record("\(statement) was opened")
            } catch {
                guard case .newer(let found, let known) = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(found > known)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: other.journalPath)) == before)
        }
        _ = try Journal(path: path)
    }

    @Test func `what is no journal is an error and stays as it is`() throws {
        let other = try TemporaryFolder()
        let text = Data("not a database, but long enough to be taken for one by nobody".utf8)
        try text.write(to: URL(fileURLWithPath: other.journalPath))
        #expect(throws: JournalError.self) { try Journal(path: other.journalPath) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: other.journalPath)) == text)
        #expect(throws: JournalError.self) { try Journal(path: "\(other.path)/absent/journal.sqlite") }
    }

    @Test func `a journal of version 0.1 keeps its jobs`() async throws {
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Goldens/v0.1/journal.sqlite").standardizedFileURL
        let other = try TemporaryFolder()
        try FileManager.default.copyItem(at: golden, to: URL(fileURLWithPath: other.journalPath))
        let journal = try other.journal()
        let jobs = try await journal.jobs(after: nil, limit: 100, of: nil).entries
        #expect(
            jobs.map(\.job.title) == [
                "a running car", "a waiting tree", "a failed star", "a cancelled star", "two lines", "a red apple",
            ])
        #expect(jobs.map(\.job.state) == [.queued, .queued, .failed, .cancelled, .succeeded, .succeeded])
        #expect(jobs.map(\.outputs.count) == [0, 0, 0, 0, 1, 1])
        #expect(jobs[4].outputs[0].seed == .max && jobs[4].outputs[0].format == .jpeg)
        #expect(jobs.allSatisfy { !$0.job.paused && $0.job.attempts <= 1 })
        // The one that ran begins again, and ends of before are numbered below those that come.
        let next = try #require(try await journal.start())
        #expect(next.job.title == "a running car" && next.checkpoint == nil && next.job.attempts == 1)
        let done = try await journal.finish(
            next.lease, .succeeded(result: "{}", outputs: [file()]), warnings: "[]", at: 0)
        #expect(try #require(done.ending) > jobs.compactMap(\.job.ending).max() ?? 0)
        #expect(try await journal.prune(history: 1, bytes: .max, ownBytes: .max).jobs.count == 4)
    }

    @Test func `identifiers are 13 letters and digits, and differ`() {
        let ids = (0..<100).map { _ in JobRecord.newID() }
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.rawValue.count == 13 && $0.rawValue.allSatisfy { $0.isLetter || $0.isNumber } })
    }
}
