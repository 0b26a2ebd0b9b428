import API
import HTTP
import JSON
import Jobs
import Vocabulary
import Wire

/// Takes jobs in and tells of them. It decides who may see and do what; what is asked of running jobs it hands to the
/// dispatcher. Questions are answered from the journal's readers and from the board, and wait for nobody.
struct Desk: JobDesk {
    let journal: Journal
    let dispatcher: Dispatcher
    let uploads: Uploads
    let outputs: OutputFolder
    let hub: EventHub
    let board: Board
    let settings: Dispatcher.Settings

    // MARK: Taking

    func submit(
        _ submission: JobSubmission, from peer: Peer, key: IdempotencyKey?
    ) async throws(ErrorBody) -> Receipt {
        guard !board.read({ $0.isDraining }) else { throw .draining }
        if let key {
            guard (1...255).contains(key.key.utf8.count), !key.key.utf8.contains(0) else {
                throw ErrorBody(
                    .invalidRequest, code: "out_of_range",
                    message: "An Idempotency-Key has 1 to 255 bytes. Shorten it.",
                    param: "Idempotency-Key")
            }
            // Before the worker is asked: the answer is known.
            let first = try await of { () async throws(JournalError) in
                try await journal.job(key: key.key, body: key.body, uid: peer.uid)
            }
            if let first { return Receipt(job: try await status(first, for: peer), isNew: false) }
        }
        let (appraisal, warnings) = try await judged(submission, from: peer)
        let (priority, warning) = Self.priority(submission.priority, peer)
        var told: [String] = []
        for text in submission.warnings + warnings + (warning.map { [$0] } ?? []) { told.warn(text) }
        let record = JobRecord(
            kind: submission.kind, title: submission.title.cut(to: 400), priority: priority, uid: peer.uid,
            created: settings.time(), request: try JSONText.encode(submission.parameters),
            warnings: try JSONText.encode(told),
            estimate: try appraisal.map { (estimate) throws(ErrorBody) in try JSONText.encode(estimate) })
        let added = try await of { () async throws(JournalError) in
            try await journal.add(
                record, inputs: submission.inputs, key: key.map { ($0.key, $0.body) },
                limits: Journal.QueueLimits(all: settings.queueLimit, own: settings.ownQueueLimit))
        }
        if added.isNew { await dispatcher.added(added.job.id, uid: peer.uid) }
        return Receipt(job: try await status(added.job.id, for: peer), isNew: added.isNew)
    }

    func estimate(
        _ submission: JobSubmission, from peer: Peer
    ) async throws(ErrorBody) -> (Estimate, warnings: [String]) {
        guard !board.read({ $0.isDraining }) else { throw .draining }
        let (estimate, warnings) = try await judged(submission, from: peer)
        guard let estimate else {
            throw ErrorBody(
                .unavailable, code: "worker_unavailable",
                message: "\(board.read { $0.complaint } ?? "The worker did not answer in time.") Try again in a moment."
            )
        }
        return (estimate, submission.warnings + warnings)
    }

    /// What is known before a job is taken: its blobs are there, the worker can carry it out, and it fits the memory.
    private func judged(
        _ submission: JobSubmission, from peer: Peer
    ) async throws(ErrorBody) -> (Estimate?, warnings: [String]) {
        for blob in submission.inputs {
            let isHeld = try await of { () async throws(JournalError) in try await journal.holds(blob, uid: peer.uid) }
            guard isHeld else { throw JournalError.unknownBlob(blob.sha256.cut(to: 64)).body }
        }
        let appraisal = try await dispatcher.appraise(submission, uid: peer.uid)
        if let estimate = appraisal?.estimate, estimate.memoryBytes > estimate.budgetBytes {
            throw ErrorBody(
                .invalidRequest, code: "too_large",
                message: "The job would take \(estimate.memoryBytes) bytes of memory, and the worker may take "
                    + "\(estimate.budgetBytes). Ask for a smaller picture or another model, or raise --memory-mib.")
        }
        return (appraisal?.estimate, appraisal?.warnings ?? [])
    }

    /// Priorities above 0 are for administrators.
    private static func priority(_ asked: Int, _ peer: Peer) -> (Int, warning: String?) {
        let asked = min(max(asked, -10), 10)
        if asked <= 0 || peer.isAdmin { return (asked, nil) }
        return (0, "Priority \(asked) is for administrators; the job has 0.")
    }

    // MARK: Telling

    func status(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        JobStatus(try await entry(id, for: peer), board: board, withRequest: true)
    }

    func jobs(after cursor: String?, limit: Int, for peer: Peer) async throws(ErrorBody) -> JobPage {
        let page = try await of { () async throws(JournalError) in
            try await journal.jobs(after: cursor, limit: min(max(limit, 1), 1000), of: peer.isAdmin ? nil : peer.uid)
        }
        return JobPage(
            jobs: page.entries.map { JobStatus($0, board: board, withRequest: false) }, next: page.next)
    }

    func events(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> AsyncStream<JobEvent> {
        let stream = hub.listen(
            to: JobStatus(try await entry(id, for: peer), board: board, withRequest: false))
        // The job may have ended between the question and the listening; then nobody would tell.
        let entry = try await entry(id, for: peer)
        if entry.job.state.isFinal { hub.finish(JobStatus(entry, board: board, withRequest: false)) }
        return stream
    }

    func output(
        _ id: JobID, number: Int, for peer: Peer
    ) async throws(ErrorBody) -> (path: String, output: Output) {
        let status = try await status(id, for: peer)
        guard let output = status.outputs.first(where: { $0.index == number }) else {
            throw ErrorBody(
                .notFound, code: "unknown_output",
                message: "Job \"\(id)\" has no output \(number). Its \"outputs\" lists what there is.")
        }
        let path = outputs.path(job: id, number: number, format: output.format)
        guard outputs.holds(path, bytes: output.bytes) else {
            throw ErrorBody(
                .notFound, code: "output_gone",
                message: "The file of output \(number) was removed or changed. Send the job's \"request\" again.")
        }
        return (path, output)
    }

    // MARK: Changing

    func cancel(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        try await change(id, peer) { () async throws(JournalError) in try await dispatcher.cancel(id) }
    }

    func pause(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        try await change(id, peer) { () async throws(JournalError) in try await dispatcher.pause(id) }
    }

    func resume(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        try await change(id, peer) { () async throws(JournalError) in try await dispatcher.resume(id) }
    }

    func prioritise(_ id: JobID, _ priority: Int, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        let (priority, warning) = Self.priority(priority, peer)
        return try await change(id, peer) { () async throws(JournalError) in
            try await dispatcher.prioritise(id, priority, warning: warning)
        }
    }

    private func change(
        _ id: JobID, _ peer: Peer, _ body: () async throws(JournalError) -> Void
    ) async throws(ErrorBody) -> JobStatus {
        _ = try await entry(id, for: peer)
        try await of(body)
        return try await status(id, for: peer)
    }

    // MARK: Files

    func uploadPath(for peer: Peer) async throws(ErrorBody) -> String { try await uploads.path() }

    func keepUpload(
        _ path: String, sha256: String, bytes: Int, for peer: Peer
    ) async throws(ErrorBody) -> Blob {
        try await uploads.keep(path, OwnedBlob(uid: peer.uid, sha256: sha256, bytes: bytes))
        return Blob(sha256: sha256)
    }

    // MARK: The daemon

    func models() async throws(ErrorBody) -> [ModelInfo] { try await dispatcher.models() }

    func unload(for peer: Peer) async throws(ErrorBody) -> UnloadReply {
        UnloadReply(unloaded: await dispatcher.unload())
    }

    func info() async -> StatusInfo { board.info }

    func counts() async -> [JobState: Int] { board.read { $0.counts } }

    /// A job that the peer may see; somebody else's is as unknown as one that never was.
    private func entry(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobEntry {
        let entry = try await of { () async throws(JournalError) in
            try await journal.job(id, of: peer.isAdmin ? nil : peer.uid)
        }
        guard let entry else { throw JournalError.unknownJob(JobID(id.rawValue.cut(to: 64))).body }
        return entry
    }

    private func of<Value>(_ body: () async throws(JournalError) -> Value) async throws(ErrorBody) -> Value {
        do throws(JournalError) {
            return try await body()
        } catch {
            throw error.body
        }
    }
}
