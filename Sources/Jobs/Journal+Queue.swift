import GRDB
package import Vocabulary

extension Journal: JobQueue {
    package func claim(
        now: MachineTime, until end: MachineTime, at time: Double,
        choose: @escaping @Sendable ([WaitingJob]) -> JobID?
    ) async throws(JournalError) -> ClaimedJob? {
        try await write { db in
            // Whoever had them is gone, and nobody says that they were the cause.
            let overdue = Column("state") == JobState.running.rawValue && Column("lease_end") < now
            for job in try JobRecord.filter(overdue).fetchAll(db) {
                _ = try Self.putBack(job, .interrupted, at: time, db)
            }
            guard let id = choose(try Self.waiting(db)),
                let waiting = try JobRecord.filter(Column("id") == id.rawValue).fetchOne(db)
            else { return nil }
            let lease = LeaseID.random()
            var job = waiting
            job.state = try job.state.after(.started, attempts: job.attempts)
            job.attempts += 1
            job.starts += 1
            job.started = time
            job.lease = lease
            job.leaseEnd = end
            try job.update(db)
            let checkpoint = try CheckpointRecord.fetchOne(
                db, sql: "SELECT * FROM checkpoint WHERE job = ?", arguments: [id.rawValue])
            let outputs = try OutputRecord.filter(Column("job") == id.rawValue).order(Column("number")).fetchAll(db)
            let inputs = try String.fetchAll(
                db, sql: "SELECT sha256 FROM blob_use WHERE job = ? ORDER BY place", arguments: [id.rawValue])
            return ClaimedJob(
                job: job, lease: lease, checkpoint: checkpoint, outputs: outputs.map(\.output),
                inputs: inputs.map { Blob(sha256: $0) })
        }
    }

    package func heartbeat(_ leases: [LeaseID], until end: MachineTime) async throws(JournalError) {
        try await write { db in
            for lease in leases {
                try db.execute(
                    sql: "UPDATE job SET lease_end = ? WHERE lease = ?", arguments: [end, lease.rawValue])
            }
        }
    }

    package func checkpoint(
        _ lease: LeaseID, _ point: CheckpointRecord, outputs: [Output]
    ) async throws(JournalError) {
        try await write { db in
            guard try Self.holder(lease, db).id == point.job else { throw JournalError.leaseLost }
            try db.execute(
                sql: """
                    INSERT INTO checkpoint (job, lease, file, bytes, facts, progress, step, text, furthest, advanced)
                    VALUES (:job, :lease, :file, :bytes, :facts, :progress, :step, :text, :step, 1)
                    ON CONFLICT (job) DO UPDATE SET
                        lease = :lease, file = :file, bytes = :bytes, facts = :facts, progress = :progress, step = :step,
                        text = :text, furthest = max(furthest, :step),
                        advanced = :step > furthest OR (lease = :lease AND advanced)
                    """,
                arguments: [
                    "job": point.job.rawValue, "lease": lease.rawValue, "file": point.file, "bytes": point.bytes,
                    "facts": point.facts, "progress": point.progress, "step": point.step, "text": point.text,
                ])
            try db.execute(sql: "DELETE FROM output WHERE job = ?", arguments: [point.job.rawValue])
            for output in outputs { try OutputRecord(job: point.job, output: output).insert(db) }
        }
    }

    package func finish(
        _ lease: LeaseID, _ ending: Ending, warnings: String, at time: Double
    ) async throws(JournalError) -> JobRecord {
        let record = try await write { [onCommit] db in
            let job = try Self.holder(lease, db)
            onCommit("commit.before")
            switch ending {
            case .succeeded(let result, let outputs):
                let done = try Self.change(job, .succeeded, at: time, db) { job in
                    job.result = result
                    job.warnings = warnings
                }
                for output in outputs { try OutputRecord(job: job.id, output: output).insert(db) }
                return done
            case .failed(let error):
                return try Self.change(job, .failed, at: time, db) { job in
                    job.error = error
                    job.warnings = warnings
                }
            case .cancelled:
                return try Self.change(job, .cancelled, at: time, db) { $0.warnings = warnings }
            case .interrupted, .lost:
                return try Self.putBack(job, ending, at: time, db)
            }
        }
        onCommit("commit.after")
        return record
    }

    private static func holder(_ lease: LeaseID, _ db: Database) throws -> JobRecord {
        guard let job = try JobRecord.filter(Column("lease") == lease.rawValue).fetchOne(db) else {
            throw JournalError.leaseLost
        }
        return job
    }

    /// Puts a running job back into its old place, or ends it after its last attempt. A job that has left a checkpoint
    /// further than all before it has not lost the attempt: it gets on, however often it is struck.
    static func putBack(_ job: JobRecord, _ ending: Ending, at time: Double, _ db: Database) throws -> JobRecord {
        if case .lost(let error) = ending {
            let advanced = try Bool.fetchOne(
                db, sql: "SELECT advanced FROM checkpoint WHERE job = ? AND lease = ?",
                arguments: [job.id.rawValue, job.lease?.rawValue])
            if advanced != true {
                return try change(job, .lost, at: time, db) { job in
                    if job.state == .failed { job.error = error }
                }
            }
        }
        return try change(job, .interrupted, at: time, db) { $0.attempts -= 1 }
    }
}
