package import GRDB
package import Vocabulary

/// A row of the table `job`. Request, warnings, result, error and estimate are JSON that this target does not read.
package struct JobRecord: Sendable, Equatable {
    /// Age in the queue; nil before the row exists.
    package var sequence: Int64?
    package var id: JobID
    package var kind: JobKind
    package var title: String
    package var state: JobState
    package var paused: Bool
    package var priority: Int
    /// User who submitted the job.
    package var uid: UInt32
    /// Starts that the job had to answer for.
    package var attempts: Int
    /// All starts, those included that ended without its doing.
    package var starts: Int
    /// Unix seconds, for people; nothing is decided by them.
    package var created: Double
    package var started: Double?
    package var finished: Double?
    /// Number of the end of the job among all ends.
    package var ending: Int64?
    /// Who may say how the job ended; only while running.
    package var lease: LeaseID?
    /// Until when the lease lasts, in seconds of the machine's own clock.
    package var leaseEnd: MachineTime?
    /// Empty in lists.
    package var request: String
    package var warnings: String
    package var result: String?
    package var error: String?
    package var estimate: String?

    /// A job that waits for its first start.
    package init(
        id: JobID = JobRecord.newID(), kind: JobKind, title: String = "", priority: Int = 0, uid: UInt32,
        created: Double, request: String, warnings: String = "[]", estimate: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        state = .queued
        paused = false
        self.priority = priority
        self.uid = uid
        attempts = 0
        starts = 0
        self.created = created
        self.request = request
        self.warnings = warnings
        self.estimate = estimate
    }

    /// 64 random bits in 13 letters and digits that are hard to misread (Crockford's base 32).
    package static func newID() -> JobID {
        let digits = Array("0123456789abcdefghjkmnpqrstvwxyz")
        var bits = UInt64.random(in: .min ... .max)
        var id = ""
        for _ in 0..<13 {
            id.append(digits[Int(bits % 32)])
            bits /= 32
        }
        return JobID(id)
    }
}

extension JobRecord: FetchableRecord, MutablePersistableRecord {
    package static let databaseTableName = "job"

    package init(row: Row) throws {
        sequence = row["sequence"]
        id = JobID(row["id"])
        kind = JobKind(row["kind"])
        title = row["title"]
        // The schema holds the states that there are.
        state = JobState(rawValue: row["state"]) ?? .failed
        paused = row["paused"]
        priority = row["priority"]
        uid = row["uid"]
        attempts = row["attempts"]
        starts = row["starts"]
        created = row["created"]
        started = row["started"]
        finished = row["finished"]
        ending = row["ending"]
        lease = (row["lease"] as String?).map { LeaseID($0) }
        leaseEnd = row["lease_end"]
        request = (row["request"] as String?) ?? ""
        warnings = row["warnings"]
        result = row["result"]
        error = row["error"]
        estimate = row["estimate"]
    }

    package func encode(to container: inout PersistenceContainer) {
        container["sequence"] = sequence
        container["id"] = id.rawValue
        container["kind"] = kind.rawValue
        container["title"] = title
        container["state"] = state.rawValue
        container["paused"] = paused
        container["priority"] = priority
        container["uid"] = uid
        container["attempts"] = attempts
        container["starts"] = starts
        container["created"] = created
        container["started"] = started
        container["finished"] = finished
        container["ending"] = ending
        container["lease"] = lease?.rawValue
        container["lease_end"] = leaseEnd
        container["request"] = request
        container["warnings"] = warnings
        container["result"] = result
        container["error"] = error
        container["estimate"] = estimate
    }

    package mutating func didInsert(_ inserted: InsertionSuccess) {
        sequence = inserted.rowID
    }
}

/// A row of the table `output`: one file of a job, promised to clients only when the job has succeeded.
package struct OutputRecord: Sendable, Equatable {
    package var job: JobID
    package var output: Output

    package init(job: JobID, output: Output) {
        self.job = job
        self.output = output
    }
}

extension OutputRecord: FetchableRecord, PersistableRecord {
    package static let databaseTableName = "output"

    package init(row: Row) throws {
        job = JobID(row["job"])
        output = Output(
            // What another version wrote and this one does not know is not worth losing the row.
            index: row["number"], format: ImageFormat(rawValue: row["format"]) ?? .png, width: row["width"],
            height: row["height"], bytes: row["bytes"], sha256: row["sha256"],
            seed: (row["seed"] as String?).flatMap { UInt64($0) })
    }

    package func encode(to container: inout PersistenceContainer) {
        container["job"] = job.rawValue
        container["number"] = output.index
        container["format"] = output.format.rawValue
        container["width"] = output.width
        container["height"] = output.height
        container["bytes"] = output.bytes
        container["sha256"] = output.sha256
        // Decimal: SQLite's integers have a sign.
        container["seed"] = output.seed.map { "\($0)" }
    }
}

/// A row of the table `checkpoint`: from where a job can go on.
package struct CheckpointRecord: Sendable, Equatable {
    package var job: JobID
    /// Name of the file of its tensors in the job's folder.
    package var file: String
    package var bytes: Int
    /// What the worker wants to find again, and where the job was: JSON.
    package var facts: String
    package var progress: String
    /// Steps done at the checkpoint.
    package var step: Int
    /// All text that the job had written.
    package var text: String

    package init(
        job: JobID, file: String, bytes: Int, facts: String, progress: String, step: Int, text: String = ""
    ) {
        self.job = job
        self.file = file
        self.bytes = bytes
        self.facts = facts
        self.progress = progress
        self.step = step
        self.text = text
    }
}

extension CheckpointRecord: FetchableRecord {
    package init(row: Row) throws {
        job = JobID(row["job"])
        file = row["file"]
        bytes = row["bytes"]
        facts = row["facts"]
        progress = row["progress"]
        step = row["step"]
        text = row["text"]
    }
}

/// A job as a client is told of it.
package struct JobEntry: Sendable, Equatable {
    package var job: JobRecord
    /// Files of a job that has succeeded.
    package var outputs: [Output]
    /// Jobs that come first; nil unless the job waits for a start.
    package var position: Int?
    /// Where the checkpoint of a waiting job was made.
    package var progress: String?
}
