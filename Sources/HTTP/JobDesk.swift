package import API
package import Vocabulary

/// The program at the other end of a connection, as the kernel vouches for it.
package struct Peer: Hashable, Sendable {
    package var uid: UInt32
    /// Root, the daemon's own user, or a member of the admin group: sees every job and may use every priority.
    package var isAdmin: Bool

    package init(uid: UInt32, isAdmin: Bool) {
        self.uid = uid
        self.isAdmin = isAdmin
    }
}

/// `Idempotency-Key` of a submission, with what it was sent for: the same key for another body is a mistake.
package struct IdempotencyKey: Hashable, Sendable {
    package var key: String
    /// SHA-256 of the body, in hexadecimal.
    package var body: String

    package init(key: String, body: String) {
        self.key = key
        self.body = body
    }
}

/// A submission that was taken, now or, under the same key, before.
package struct Receipt: Sendable, Equatable {
    package var job: JobStatus
    package var isNew: Bool

    package init(job: JobStatus, isNew: Bool) {
        self.job = job
        self.isNew = isNew
    }
}

/// A page of a listing.
package struct JobPage: Sendable, Equatable {
    /// Without requests.
    package var jobs: [JobStatus]
    /// What the next page begins after; nil at the end.
    package var next: String?

    package init(jobs: [JobStatus], next: String?) {
        self.jobs = jobs
        self.next = next
    }
}

/// What HTTP asks of the daemon. Every question about a job is asked by a peer; a job of somebody else is "not found".
///
/// What does not wait (`status`, `jobs`, `output`, `info`, `counts`) reads a snapshot or the journal's readers and never
/// stands behind a commit, a locked journal or the worker.
package protocol JobDesk: Sendable {
    /// Journals a job before it returns. What the worker can say about it (`Appraisal`) is asked first.
    func submit(_ submission: JobSubmission, from peer: Peer, key: IdempotencyKey?) async throws(ErrorBody) -> Receipt
    /// What the job would cost; refuses what `submit` would refuse.
    func estimate(_ submission: JobSubmission, from peer: Peer) async throws(ErrorBody) -> (
        Estimate, warnings: [String]
    )

    func status(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus
    func jobs(after cursor: String?, limit: Int, for peer: Peer) async throws(ErrorBody) -> JobPage
    func events(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> AsyncStream<JobEvent>
    /// The path of a finished file and what it is.
    func output(_ id: JobID, number: Int, for peer: Peer) async throws(ErrorBody) -> (path: String, output: Output)

    func cancel(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus
    func pause(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus
    func resume(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus
    func prioritise(_ id: JobID, _ priority: Int, for peer: Peer) async throws(ErrorBody) -> JobStatus

    /// Where an upload of the peer may be written before its content is known: a new path in the daemon's own folder.
    func uploadPath(for peer: Peer) async throws(ErrorBody) -> String
    /// Takes the complete file at `path`, an `uploadPath`, as a blob of the peer. It goes with the last job that names it,
    /// or after a while when none does. The file is gone from `path` in any case.
    func keepUpload(_ path: String, sha256: String, bytes: Int, for peer: Peer) async throws(ErrorBody) -> Blob

    func models() async throws(ErrorBody) -> [ModelInfo]
    func unload(for peer: Peer) async throws(ErrorBody) -> UnloadReply
    func info() async -> StatusInfo
    func counts() async -> [JobState: Int]
}
