import GRDB

/// The journal of jobs: a SQLite file that is on disk before a caller hears that something happened.
///
/// Every change of a state goes through `JobState.after`; the table's constraints hold the same rules once more.
package struct JobStore: Sendable {
    private let database: DatabasePool

    /// Opens or creates the journal.
    package init(path: String) throws(JobStoreError) {
        var configuration = Configuration()
        // Another program may look into the journal; what it holds for longer is an error.
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { db in
            // FULL: a commit survives a power cut also under WAL, so "accepted" is a promise.
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        do {
            database = try DatabasePool(path: path, configuration: configuration)
            try Migrations.all.migrate(database)
        } catch {
            throw .storage("\(error)")
        }
    }

    // MARK: Questions

    package func job(_ id: String) throws(JobStoreError) -> JobRecord? {
        try read { db in try JobRecord.filter(Column("id") == id).fetchOne(db) }
    }

    /// Jobs that are not final in the order of the queue, then the final ones, newest first.
    package func jobs(limit: Int) throws(JobStoreError) -> [JobRecord] {
        try read { db in
            try JobRecord.fetchAll(
                db,
                sql: """
                    SELECT * FROM job ORDER BY
                        CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END,
                        CASE state WHEN 'queued' THEN -priority END,
                        CASE state WHEN 'queued' THEN sequence ELSE -finished END
                    LIMIT ?
                    """,
                arguments: [limit])
        }
    }

    package func outputs(of id: String) throws(JobStoreError) -> [OutputRecord] {
        try read { db in
            try OutputRecord.filter(Column("job") == id).order(Column("number")).fetchAll(db)
        }
    }

    /// Identifiers of the waiting jobs in the order in which they will start.
    package func queue() throws(JobStoreError) -> [String] {
        try read { db in
            try String.fetchAll(
                db, sql: "SELECT id FROM job WHERE state = 'queued' ORDER BY priority DESC, sequence")
        }
    }

    package func counts() throws(JobStoreError) -> [JobState: Int] {
        try read { db in
            var counts: [JobState: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT state, count(*) AS jobs FROM job GROUP BY state") {
                guard let state = JobState(rawValue: row["state"]) else { continue }
                counts[state] = row["jobs"]
            }
            return counts
        }
    }

    // MARK: Changes

    /// Journals a new job unless `limit` jobs wait already.
    package func add(_ job: JobRecord, limit: Int = .max) throws(JobStoreError) -> JobRecord {
        try write { db in
            let waiting = try JobRecord.filter(Column("state") == JobState.queued.rawValue).fetchCount(db)
            guard waiting < limit else { throw JobStoreError.queueFull(limit: limit) }
            var job = job
            try job.insert(db)
            return job
        }
    }

    /// Starts the next job of the queue: highest priority first, then oldest. This query is the whole policy.
    package func startNext(at now: Double) throws(JobStoreError) -> JobRecord? {
        try write { db in
            guard
                var job = try JobRecord.fetchOne(
                    db, sql: "SELECT * FROM job WHERE state = 'queued' ORDER BY priority DESC, sequence LIMIT 1")
            else { return nil }
            job.state = try job.state.after(.started, attempts: job.attempts)
            job.attempts += 1
            job.started = now
            try job.update(db)
            return job
        }
    }

    /// Records a result and the files that are already in place: both become visible in one commit.
    package func succeed(
        _ id: String, result: String, warnings: String, outputs: [OutputRecord], at now: Double
    ) throws(JobStoreError) -> JobRecord {
        try change(id, .succeeded, at: now) { job, db in
            job.result = result
            job.warnings = warnings
            for output in outputs { try output.insert(db) }
        }
    }

    package func fail(_ id: String, error: String, at now: Double) throws(JobStoreError) -> JobRecord {
        try change(id, .failed, at: now) { job, _ in job.error = error }
    }

    package func cancel(_ id: String, at now: Double) throws(JobStoreError) -> JobRecord {
        try change(id, .cancelled, at: now) { _, _ in }
    }

    /// Puts a running job back as if it had not been started.
    package func interrupt(_ id: String, at now: Double) throws(JobStoreError) -> JobRecord {
        try change(id, .interrupted, at: now) { job, _ in job.attempts -= 1 }
    }

    /// Puts a job whose worker died back into its old place, or fails it with `error` after its last attempt.
    package func lose(_ id: String, error: String, at now: Double) throws(JobStoreError) -> JobRecord {
        try change(id, .lost, at: now) { job, _ in
            if job.state == .failed { job.error = error }
        }
    }

    /// Identifiers of jobs that a daemon left running when it died.
    package func abandoned() throws(JobStoreError) -> [String] {
        try read { db in try String.fetchAll(db, sql: "SELECT id FROM job WHERE state = 'running'") }
    }

    /// Forgets the oldest final jobs beyond `history` jobs or `bytes` of outputs; returns their identifiers.
    package func prune(history: Int, bytes: Int) throws(JobStoreError) -> [String] {
        try write { db in
            let ids = try String.fetchAll(
                db,
                sql: """
                    SELECT id FROM (
                        SELECT id,
                            row_number() OVER newest AS place,
                            sum((SELECT coalesce(sum(bytes), 0) FROM output WHERE job = id)) OVER newest AS kept
                        FROM job WHERE finished IS NOT NULL
                        WINDOW newest AS (ORDER BY finished DESC, sequence DESC)
                    ) WHERE place > ? OR kept > ?
                    """,
                arguments: [history, bytes])
            for id in ids { try db.execute(sql: "DELETE FROM job WHERE id = ?", arguments: [id]) }
            return ids
        }
    }

    // MARK: Ways to the database

    private func change(
        _ id: String, _ event: JobState.Event, at now: Double, _ body: (inout JobRecord, Database) throws -> Void
    ) throws(JobStoreError) -> JobRecord {
        try write { db in
            guard var job = try JobRecord.filter(Column("id") == id).fetchOne(db) else {
                throw JobStoreError.unknownJob(id)
            }
            job.state = try job.state.after(event, attempts: job.attempts)
            job.finished = job.state.isFinal ? now : nil
            try body(&job, db)
            try job.update(db)
            return job
        }
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws(JobStoreError) -> Value {
        do {
            return try database.read(body)
        } catch {
            throw JobStoreError(error)
        }
    }

    private func write<Value>(_ body: (Database) throws -> Value) throws(JobStoreError) -> Value {
        do {
            return try database.write(body)
        } catch {
            throw JobStoreError(error)
        }
    }
}

/// Why the journal did not do what it was asked.
package enum JobStoreError: Error, Sendable, Equatable {
    case unknownJob(String)
    case notAllowed(JobStateError)
    case queueFull(limit: Int)
    /// SQLite's words.
    case storage(String)

    fileprivate init(_ error: any Error) {
        switch error {
        case let error as JobStoreError: self = error
        case let error as JobStateError: self = .notAllowed(error)
        default: self = .storage("\(error)")
        }
    }
}
