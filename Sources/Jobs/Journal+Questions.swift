import GRDB
package import Vocabulary

extension Journal {
    /// A page of a listing.
    package struct Page: Sendable, Equatable {
        package var entries: [JobEntry]
        package var next: String?
    }

    /// Every column of a job but its request, which may be long.
    private static let brief = """
        job.sequence, job.id, job.kind, job.title, job.state, job.paused, job.priority, job.uid, job.attempts, job.starts,
        job.created, job.started, job.finished, job.ending, job.lease, job.lease_end, NULL AS request, job.warnings,
        job.result, job.error, job.estimate
        """

    /// One job; with `uid` only if it belongs to that user.
    package func job(_ id: JobID, of uid: UInt32? = nil) async throws(JournalError) -> JobEntry? {
        try await read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT job.*, checkpoint.progress, CASE WHEN state = 'queued' AND paused = 0 THEN (
                        SELECT count(*) FROM job AS other INDEXED BY job_queue
                        WHERE other.state = 'queued' AND other.paused = 0
                            AND (-other.priority, other.sequence) < (-job.priority, job.sequence)) END AS position
                    FROM job LEFT JOIN checkpoint ON checkpoint.job = job.id
                    WHERE id = ? AND (? IS NULL OR uid = ?)
                    """,
                arguments: [id.rawValue, uid, uid])
            guard let row else { return nil }
            return try Self.entries([row], db).first
        }
    }

    /// Running jobs, then the waiting ones in the order of the queue, then the final ones, newest first.
    package func jobs(after cursor: String?, limit: Int, of uid: UInt32?) async throws(JournalError) -> Page {
        let start = try cursor.map(Place.init)
        return try await read { db in
            var rows = try Row.fetchAll(
                db,
                sql: """
                    WITH queue AS (
                        SELECT id, row_number() OVER (ORDER BY priority DESC, sequence) - 1 AS position
                        FROM job WHERE state = 'queued' AND paused = 0
                    ), listed AS (
                        SELECT *, CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END AS part,
                            CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN -priority ELSE -ending END AS place
                        FROM job
                    )
                    SELECT \(Self.brief), part, place, queue.position, checkpoint.progress
                    FROM listed AS job LEFT JOIN queue ON queue.id = job.id LEFT JOIN checkpoint ON checkpoint.job = job.id
                    WHERE (? IS NULL OR uid = ?) AND (part, place, sequence) > (?, ?, ?)
                    ORDER BY part, place, sequence LIMIT ?
                    """,
                arguments: [
                    uid, uid, start?.part ?? -1, start?.place ?? 0, start?.sequence ?? 0, limit + 1,
                ])
            var next: String?
            if rows.count > limit {
                rows.removeLast(rows.count - limit)
                next = rows.last.map { Place(part: $0["part"], place: $0["place"], sequence: $0["sequence"]).text }
            }
            return Page(entries: try Self.entries(rows, db), next: next)
        }
    }

    /// The job that a key stands for, when it was used for the same body.
    package func job(key: String, body: String, uid: UInt32) async throws(JournalError) -> JobID? {
        try await read { db in try Self.job(key: key, body: body, uid: uid, db) }
    }

    static func job(key: String, body: String, uid: UInt32, _ db: Database) throws -> JobID? {
        let row = try Row.fetchOne(
            db, sql: "SELECT job, body FROM submission_key WHERE uid = ? AND key = ?", arguments: [uid, key])
        guard let row else { return nil }
        guard row["body"] as String == body else { throw JournalError.keyTaken }
        return JobID(row["job"])
    }

    package func counts() async throws(JournalError) -> [JobState: Int] {
        try await read { db in
            var counts: [JobState: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT state, count(*) AS jobs FROM job GROUP BY state") {
                guard let state = JobState(rawValue: row["state"]) else { continue }
                counts[state] = row["jobs"]
            }
            return counts
        }
    }

    /// Jobs that may have files, with their states.
    package func keepers() async throws(JournalError) -> [JobID: JobState] {
        try await read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT id, state FROM job WHERE state NOT IN ('failed', 'cancelled')")
            return Dictionary(
                rows.map { (JobID($0["id"]), JobState(rawValue: $0["state"]) ?? .succeeded) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    /// Waiting jobs in the order of the queue.
    package func waiting() async throws(JournalError) -> [WaitingJob] {
        try await read { db in try Self.waiting(db) }
    }

    static func waiting(_ db: Database) throws -> [WaitingJob] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT id, uid, priority, sequence FROM job WHERE state = 'queued' AND paused = 0
                ORDER BY priority DESC, sequence
                """
        ).map { WaitingJob(id: JobID($0["id"]), uid: $0["uid"], priority: $0["priority"], sequence: $0["sequence"]) }
    }

    private static func entries(_ rows: [Row], _ db: Database) throws -> [JobEntry] {
        let jobs = try rows.map { try JobRecord(row: $0) }
        let done = jobs.filter { $0.state == .succeeded }.map(\.id.rawValue)
        let files = try OutputRecord.filter(done.contains(Column("job"))).order(Column("number")).fetchAll(db)
        let outputs = Dictionary(grouping: files, by: \.job)
        return zip(rows, jobs).map { row, job in
            JobEntry(
                job: job, outputs: (outputs[job.id] ?? []).map(\.output), position: row["position"],
                progress: job.state == .queued ? row["progress"] : nil)
        }
    }
}

/// Where in a listing a page ends.
private struct Place {
    var part, place, sequence: Int64

    init(part: Int64, place: Int64, sequence: Int64) {
        self.part = part
        self.place = place
        self.sequence = sequence
    }

    init(_ text: String) throws(JournalError) {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard numbers.count == 3, let part = numbers[0], let place = numbers[1], let sequence = numbers[2] else {
            throw .badCursor
        }
        self.init(part: part, place: place, sequence: sequence)
    }

    var text: String { "\(part).\(place).\(sequence)" }
}
