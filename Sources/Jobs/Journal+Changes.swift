import GRDB
package import Vocabulary

extension Journal {
    /// How many jobs may wait, in all and of one user.
    package struct QueueLimits: Sendable {
        package var all, own: Int

        package init(all: Int = .max, own: Int = .max) {
            self.all = all
            self.own = own
        }
    }

    /// Journals a new job with its key and its blobs in one commit. With a key that was used for the same body, the job of
    /// then is the answer.
    package func add(
        _ job: JobRecord, inputs: [Blob] = [], key: (key: String, body: String)? = nil,
        limits: QueueLimits = QueueLimits()
    ) async throws(JournalError) -> (job: JobRecord, isNew: Bool) {
        let added = try await write { db -> Added in
            if let key, let id = try Self.job(key: key.key, body: key.body, uid: job.uid, db),
                let first = try JobRecord.filter(Column("id") == id.rawValue).fetchOne(db)
            {
                return Added(job: first, isNew: false)
            }
            let waiting = try Row.fetchOne(
                db, sql: "SELECT count(*) AS all_, sum(uid = ?) AS own FROM job WHERE state = 'queued'",
                arguments: [job.uid])
            guard (waiting?["own"] ?? 0) < limits.own else { throw JournalError.ownQueueFull(limit: limits.own) }
            guard (waiting?["all_"] ?? 0) < limits.all else { throw JournalError.queueFull(limit: limits.all) }
            var job = job
            try job.insert(db)
            for (place, blob) in inputs.enumerated() {
                let known = try Bool.fetchOne(
                    db, sql: "SELECT 1 FROM blob WHERE uid = ? AND sha256 = ?", arguments: [job.uid, blob.sha256])
                guard known == true else { throw JournalError.unknownBlob(blob.sha256) }
                try db.execute(
                    sql: "INSERT INTO blob_use (job, uid, sha256, place) VALUES (?, ?, ?, ?)",
                    arguments: [job.id.rawValue, job.uid, blob.sha256, place])
            }
            if let key {
                try db.execute(
                    sql: "INSERT INTO submission_key (uid, key, body, job) VALUES (?, ?, ?, ?)",
                    arguments: [job.uid, key.key, key.body, job.id.rawValue])
            }
            return Added(job: job, isNew: true)
        }
        return (added.job, added.isNew)
    }

    private struct Added: Sendable {
        var job: JobRecord
        var isNew: Bool
    }

    /// Ends a waiting job.
    package func end(_ id: JobID, _ ending: Ending, at time: Double) async throws(JournalError) -> JobRecord {
        try await write { db in
            let lease = try String.fetchOne(db, sql: "SELECT lease FROM job WHERE id = ?", arguments: [id.rawValue])
            // How a running job ends is for the holder of its lease to say.
            guard lease == nil else { throw JournalError.leaseLost }
            if case .failed(let error) = ending {
                return try Self.change(id, .failed, at: time, db) { $0.error = error }
            }
            return try Self.change(id, .cancelled, at: time, db)
        }
    }

    package func setPaused(_ id: JobID, _ paused: Bool) async throws(JournalError) -> JobRecord {
        try await alter(id) { $0.paused = paused }
    }

    package func setPriority(
        _ id: JobID, _ priority: Int, warnings: String?
    ) async throws(JournalError) -> JobRecord {
        try await alter(id) { job in
            job.priority = priority
            if let warnings { job.warnings = warnings }
        }
    }

    private func alter(
        _ id: JobID, _ body: @escaping @Sendable (inout JobRecord) -> Void
    ) async throws(JournalError) -> JobRecord {
        try await write { db in
            guard var job = try JobRecord.filter(Column("id") == id.rawValue).fetchOne(db) else {
                throw JournalError.unknownJob(id)
            }
            // Of the events, none changes a final job; the refusal names its state.
            guard !job.state.isFinal else {
                throw JournalError.notAllowed(JobStateError(state: job.state, event: .cancelled))
            }
            body(&job)
            try job.update(db)
            return job
        }
    }

    /// Puts back what a daemon left running when it died. Only the job that the worker was at, if it is known, answers.
    package func recover(
        answering: JobID?, error: String, at time: Double
    ) async throws(JournalError) -> [JobRecord] {
        try await write { db in
            try JobRecord.filter(Column("state") == JobState.running.rawValue).fetchAll(db).map { job in
                try Self.putBack(job, answering == job.id ? .lost(error: error) : .interrupted, at: time, db)
            }
        }
    }

    /// What pruning has taken out of the journal, and whose files can go.
    package struct Pruned: Sendable, Equatable {
        package var jobs: [JobID] = []
        package var blobs: [OwnedBlob] = []
    }

    /// Forgets the final jobs beyond `history` jobs or `bytes` of outputs, and those of a user beyond `ownBytes`: the ones
    /// that ended first go first. The job that ended last stays, however large it is.
    package func prune(history: Int, bytes: Int, ownBytes: Int) async throws(JournalError) -> Pruned {
        try await write { db in
            let ids = try String.fetchAll(
                db,
                sql: """
                    SELECT id FROM (
                        SELECT id, row_number() OVER newest AS place, sum(bytes) OVER newest AS kept,
                            row_number() OVER own AS own_place, sum(bytes) OVER own AS own_kept
                        FROM (
                            SELECT id, uid, ending,
                                (SELECT coalesce(sum(bytes), 0) FROM output WHERE job = job.id) AS bytes
                            FROM job WHERE ending IS NOT NULL
                        )
                        WINDOW newest AS (ORDER BY ending DESC), own AS (PARTITION BY uid ORDER BY ending DESC)
                    ) WHERE place > 1 AND (place > ? OR kept > ?) OR own_place > 1 AND own_kept > ?
                    """,
                arguments: [history, bytes, ownBytes])
            var pruned = Pruned(jobs: ids.map { JobID($0) })
            for id in ids {
                let used = try OwnedBlob.fetchAll(
                    db, sql: "SELECT DISTINCT uid, sha256, 0 AS bytes FROM blob_use WHERE job = ?", arguments: [id])
                try db.execute(sql: "DELETE FROM job WHERE id = ?", arguments: [id])
                for blob in used where try Self.removeIfUnused(blob, db) { pruned.blobs.append(blob) }
            }
            return pruned
        }
    }
}
