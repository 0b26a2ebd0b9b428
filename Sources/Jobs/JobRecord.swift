package import GRDB

/// A row of the table `job`. Request, warnings, result and error are JSON that this target does not read.
package struct JobRecord: Codable, Sendable, Equatable {
    /// Age in the queue; nil before the row exists.
    package var sequence: Int64?
    package var id: String
    package var kind: String
    package var state: JobState
    package var priority: Int
    /// User who submitted the job.
    package var uid: UInt32
    package var attempts: Int
    /// Unix seconds.
    package var created: Double
    package var started: Double?
    package var finished: Double?
    package var request: String
    package var warnings: String
    package var result: String?
    package var error: String?

    /// A job that waits for its first start.
    package init(
        id: String = JobRecord.newID(), kind: String, priority: Int = 0, uid: UInt32, created: Double, request: String,
        warnings: String = "[]"
    ) {
        self.id = id
        self.kind = kind
        state = .queued
        self.priority = priority
        self.uid = uid
        attempts = 0
        self.created = created
        self.request = request
        self.warnings = warnings
    }

    /// 64 random bits in 13 letters and digits that are hard to misread (Crockford's base 32).
    package static func newID() -> String {
        let digits = Array("0123456789abcdefghjkmnpqrstvwxyz")
        var bits = UInt64.random(in: .min ... .max)
        var id = ""
        for _ in 0..<13 {
            id.append(digits[Int(bits % 32)])
            bits /= 32
        }
        return id
    }
}

extension JobRecord: FetchableRecord, MutablePersistableRecord {
    package static let databaseTableName = "job"

    package mutating func didInsert(_ inserted: InsertionSuccess) {
        sequence = inserted.rowID
    }
}

/// A row of the table `output`: one file of a job that succeeded.
package struct OutputRecord: Codable, Sendable, Equatable {
    package var job: String
    package var number: Int
    package var format: String
    package var width: Int
    package var height: Int
    package var bytes: Int
    package var sha256: String
    /// Decimal: SQLite's integers have a sign.
    package var seed: String

    package init(
        job: String, number: Int, format: String, width: Int, height: Int, bytes: Int, sha256: String, seed: UInt64
    ) {
        self.job = job
        self.number = number
        self.format = format
        self.width = width
        self.height = height
        self.bytes = bytes
        self.sha256 = sha256
        self.seed = "\(seed)"
    }
}

extension OutputRecord: FetchableRecord, PersistableRecord {
    package static let databaseTableName = "output"
}
