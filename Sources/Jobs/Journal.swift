import GRDB
package import Vocabulary

/// The journal of jobs: a SQLite file that is on disk before a caller hears that something happened.
///
/// Every change of a state goes through `JobState.after`; the table's constraints hold the same rules once more. Readers
/// see the last commit and never wait for a writer.
package struct Journal: Sendable {
    private let database: DatabasePool
    /// Called before and after the commit of an end with the name of the point; tests stop the program there.
    let onCommit: @Sendable (String) -> Void

    /// Opens or creates the journal. One that a newer version wrote is refused and stays as it is.
    package init(path: String, onCommit: @escaping @Sendable (String) -> Void = { _ in }) throws(JournalError) {
        self.onCommit = onCommit
        try Self.refuseNewer(path)
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
            throw JournalError(error)
        }
    }

    private static func refuseNewer(_ path: String) throws(JournalError) {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        // A file that is not there or cannot be read is the business of the opening proper.
        guard let database = try? DatabaseQueue(path: path, configuration: configuration) else { return }
        let found: (version: Int, isNewer: Bool)? = try? database.read { db in
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            return (version, try version > Migrations.version || Migrations.all.hasBeenSuperseded(db))
        }
        if let found, found.isNewer {
            throw .newer(found: max(found.version, Migrations.version + 1), known: Migrations.version)
        }
    }

    // MARK: Ways to the database

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(JournalError) -> Value {
        do {
            return try await database.read(body)
        } catch {
            throw JournalError(error)
        }
    }

    /// A read on the calling thread, for threads that may wait.
    func readNow<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
        do {
            return try database.read(body)
        } catch {
            throw JournalError(error)
        }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(JournalError) -> Value {
        do {
            return try await database.write(body)
        } catch {
            throw JournalError(error)
        }
    }

    /// Changes a job by an event.
    static func change(
        _ id: JobID, _ event: JobState.Event, at time: Double, _ db: Database,
        _ body: (inout JobRecord) throws -> Void = { _ in }
    ) throws -> JobRecord {
        guard let job = try JobRecord.filter(Column("id") == id.rawValue).fetchOne(db) else {
            throw JournalError.unknownJob(id)
        }
        return try change(job, event, at: time, db, body)
    }

    static func change(
        _ job: JobRecord, _ event: JobState.Event, at time: Double, _ db: Database,
        _ body: (inout JobRecord) throws -> Void = { _ in }
    ) throws -> JobRecord {
        var job = job
        job.state = try job.state.after(event, attempts: job.attempts)
        if job.state != .running {
            job.lease = nil
            job.leaseEnd = nil
        }
        if job.state.isFinal {
            job.finished = time
            job.ending = try Int64.fetchOne(db, sql: "SELECT coalesce(max(ending), 0) + 1 FROM job")
            job.paused = false
            try db.execute(sql: "DELETE FROM checkpoint WHERE job = ?", arguments: [job.id.rawValue])
            try db.execute(sql: "DELETE FROM output WHERE job = ?", arguments: [job.id.rawValue])
        }
        try body(&job)
        try job.update(db)
        return job
    }
}

/// Why the journal did not do what it was asked.
package enum JournalError: Error, Sendable, Equatable {
    case unknownJob(JobID)
    case unknownBlob(String)
    case notAllowed(JobStateError)
    case queueFull(limit: Int)
    case ownQueueFull(limit: Int)
    case storageFull(limit: Int)
    /// The key was used for another body.
    case keyTaken
    case badCursor
    /// The job was given to somebody else, or has ended.
    case leaseLost
    /// A version of this program wrote the journal that knows more than this one.
    case newer(found: Int, known: Int)
    /// What should be written breaks a rule of the schema, and always will.
    case refused(String)
    /// The disk, a lock or SQLite itself; may be over in a while.
    case storage(String)

    init(_ error: any Error) {
        switch error {
        case let error as JournalError: self = error
        case let error as JobStateError: self = .notAllowed(error)
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE: self = .refused("\(error)")
            default: self = .storage("\(error)")
            }
        default: self = .storage("\(error)")
        }
    }

    /// Whether the same may succeed later.
    package var mayPass: Bool {
        if case .storage = self { return true }
        return false
    }
}
