package import GRDB
package import Vocabulary

/// A file that a user sent, with its size. Users share none: what one has sent tells another nothing.
package struct OwnedBlob: Hashable, Sendable, FetchableRecord {
    package var uid: UInt32
    package var sha256: String
    package var bytes: Int

    package init(uid: UInt32, sha256: String, bytes: Int) {
        self.uid = uid
        self.sha256 = sha256
        self.bytes = bytes
    }

    package init(row: Row) throws {
        uid = row["uid"]
        sha256 = row["sha256"]
        bytes = row["bytes"]
    }
}

extension Journal {
    /// Notes a file that is in its place, unless its user would have more than `limit` bytes of them.
    package func add(_ blob: OwnedBlob, limit: Int) async throws(JournalError) {
        try await write { db in
            let known = try Bool.fetchOne(
                db, sql: "SELECT 1 FROM blob WHERE uid = ? AND sha256 = ?", arguments: [blob.uid, blob.sha256])
            if known == true { return }
            // However small, a file takes a block of the disk.
            let kept = try Int.fetchOne(
                db, sql: "SELECT coalesce(sum(max(bytes, 4096)), 0) FROM blob WHERE uid = ?", arguments: [blob.uid])
            guard blob.bytes <= limit, (kept ?? 0) <= limit - blob.bytes else {
                throw JournalError.storageFull(limit: limit)
            }
            try db.execute(
                sql: "INSERT INTO blob (uid, sha256, bytes) VALUES (?, ?, ?)",
                arguments: [blob.uid, blob.sha256, blob.bytes])
        }
    }

    package func holds(_ blob: Blob, uid: UInt32) async throws(JournalError) -> Bool {
        try await read { db in
            try Bool.fetchOne(
                db, sql: "SELECT 1 FROM blob WHERE uid = ? AND sha256 = ?", arguments: [uid, blob.sha256]) ?? false
        }
    }

    /// The same on the calling thread, for threads that may wait.
    package func holdsNow(_ blob: OwnedBlob) throws(JournalError) -> Bool {
        try readNow { db in
            try Bool.fetchOne(
                db, sql: "SELECT 1 FROM blob WHERE uid = ? AND sha256 = ?", arguments: [blob.uid, blob.sha256]) ?? false
        }
    }

    package func blobs() async throws(JournalError) -> [OwnedBlob] {
        try await read { db in try OwnedBlob.fetchAll(db, sql: "SELECT uid, sha256, bytes FROM blob") }
    }

    /// Files that no job names.
    package func unusedBlobs() async throws(JournalError) -> [OwnedBlob] {
        try await read { db in
            try OwnedBlob.fetchAll(
                db,
                sql: """
                    SELECT uid, sha256, bytes FROM blob WHERE NOT EXISTS (
                        SELECT 1 FROM blob_use WHERE blob_use.uid = blob.uid AND blob_use.sha256 = blob.sha256)
                    """)
        }
    }

    /// Takes a file out of the journal unless a job names it; says whether it did.
    package func removeIfUnused(_ blob: OwnedBlob) async throws(JournalError) -> Bool {
        try await write { db in try Self.removeIfUnused(blob, db) }
    }

    static func removeIfUnused(_ blob: OwnedBlob, _ db: Database) throws -> Bool {
        try db.execute(
            sql: """
                DELETE FROM blob WHERE uid = :uid AND sha256 = :sha256 AND NOT EXISTS (
                    SELECT 1 FROM blob_use WHERE uid = :uid AND sha256 = :sha256)
                """,
            arguments: ["uid": blob.uid, "sha256": blob.sha256])
        return db.changesCount > 0
    }
}
