import Foundation
import Jobs
import Testing
import Vocabulary

/// A journal in a folder that goes with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = "/tmp/lazuli-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var journalPath: String { "\(path)/journal.sqlite" }

    func journal() throws -> Journal { try Journal(path: journalPath) }
}

/// A job of a name of up to 13 letters.
func record(_ name: String, priority: Int = 0, uid: UInt32 = 7, request: String = "{}", created: Double = 1)
    -> JobRecord
{
    JobRecord(
        id: identifier(name), kind: JobKind("generate"), title: name, priority: priority, uid: uid, created: created,
        request: request)
}

func identifier(_ name: String) -> JobID { JobID(name + String(repeating: "0", count: 13 - name.count)) }

func file(_ index: Int = 0, bytes: Int = 10) -> Output {
    Output(
        index: index, format: .png, width: 8, height: 8, bytes: bytes, sha256: String(repeating: "a", count: 64),
        seed: .max)
}

extension JobID {
    /// The name without what fills it up.
    var name: String { String(rawValue.prefix { $0 != "0" }) }
}

extension Journal {
    /// The next job in the order of the queue, leased for a minute of the clock `now`.
    func start(_ now: MachineTime = 0, at time: Double = 2) async throws -> ClaimedJob? {
        try await claim(now: now, until: now + 60, at: time) { $0.first?.id }
    }

    /// Adds a job, starts it and lets it succeed with one file.
    func succeed(_ job: JobRecord, bytes: Int = 10, at time: Double) async throws {
        _ = try await add(job)
        let claimed = try #require(try await claim(now: 0, until: 60, at: time) { _ in job.id })
        _ = try await finish(
            claimed.lease, .succeeded(result: "{}", outputs: [file(bytes: bytes)]), warnings: "[]", at: time)
    }

    func names(_ uid: UInt32? = nil) async throws -> [String] {
        try await jobs(after: nil, limit: 1000, of: uid).entries.map(\.job.id.name)
    }
}
