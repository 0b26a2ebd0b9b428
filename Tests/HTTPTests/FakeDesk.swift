import API
import Foundation
import Glibc
import HTTP
import JSON
import Synchronization
import Vocabulary

/// A desk without a journal and a worker: it remembers what it was asked, and refuses when it is told to.
final class FakeDesk: JobDesk {
    struct State {
        var jobs: [JobStatus] = []
        var owners: [JobID: UInt32] = [:]
        var keys: [IdempotencyKey: JobID] = [:]
        /// What every question is answered with.
        var refusal: ErrorBody?
        var isDraining = false
        /// Bytes of uploads that were kept.
        var uploads: [String: Int] = [:]
        var peers: [Peer] = []
        /// What jobs do from here on, after the state that every stream begins with; the last event has the job's own id.
        var script: [JobEvent]?
        /// The file of every output.
        var file: String?
        var cancelled: [JobID] = []
    }

    let state = Mutex(State())
    let folder: String

    init() throws {
        var template = Array("/tmp/lazuli-http-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Errno(number: errno) }
        folder = String(cString: made)
    }

    /// The server that asks this desk may be let go late, so its end removes what is here.
    func removeFolder() {
        for name in names { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    /// Files that were left where uploads are written.
    var names: [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What every drawing shows of itself.
    static let preview = Preview(
        picture: 0, step: 1, of: 4, width: 8, height: 8, png: Data([0x89, 0x50, 0x4e, 0x47]))

    func add(_ id: JobID, _ state: JobState, owner: UInt32 = getuid()) {
        self.state.withLock {
            $0.jobs.append(
                JobStatus(
                    id: id, kind: JobKind("generate"), title: "", state: state, priority: 0, created: 0, attempts: 0))
            $0.owners[id] = owner
        }
    }

    func refuse(_ refusal: ErrorBody?) { state.withLock { $0.refusal = refusal } }

    private func answer<Value>(
        _ peer: Peer? = nil, _ body: (inout State) throws(ErrorBody) -> Value
    ) throws(ErrorBody) -> Value {
        let result: Result<Value, ErrorBody> = state.withLock { state in
            if let peer { state.peers.append(peer) }
            if let refusal = state.refusal { return .failure(refusal) }
            do throws(ErrorBody) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func find(_ id: JobID, _ peer: Peer, _ state: State) throws(ErrorBody) -> Int {
        guard let place = state.jobs.firstIndex(where: { $0.id == id }), peer.isAdmin || state.owners[id] == peer.uid
        else {
            throw ErrorBody(.notFound, code: "unknown_job", message: "There is no job \"\(id)\".")
        }
        return place
    }

    // MARK: JobDesk

    func submit(
        _ submission: JobSubmission, from peer: Peer, key: IdempotencyKey?
    ) async throws(ErrorBody) -> Receipt {
        try answer(peer) { state throws(ErrorBody) in
            if let key, let known = state.keys.first(where: { $0.key.key == key.key }) {
                guard known.key.body == key.body, let job = state.jobs.first(where: { $0.id == known.value }) else {
                    throw ErrorBody(.invalidRequest, code: "idempotency_mismatch", message: "Another body.")
                }
                return Receipt(job: job, isNew: false)
            }
            let job = JobStatus(
                id: JobID("job\(state.jobs.count)"), kind: submission.kind, title: submission.title, state: .queued,
                priority: submission.priority, created: 0, attempts: 0, warnings: submission.warnings,
                request: submission.parameters)
            state.jobs.append(job)
            state.owners[job.id] = peer.uid
            if let key { state.keys[key] = job.id }
            return Receipt(job: job, isNew: true)
        }
    }

    func estimate(
        _ submission: JobSubmission, from peer: Peer
    ) async throws(ErrorBody) -> (Estimate, warnings: [String]) {
        try answer(peer) { _ throws(ErrorBody) in (Estimate(memoryBytes: 1, budgetBytes: 2), []) }
    }

    func status(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        try answer(peer) { state throws(ErrorBody) in state.jobs[try find(id, peer, state)] }
    }

    func jobs(after cursor: String?, limit: Int, for peer: Peer) async throws(ErrorBody) -> JobPage {
        try answer(peer) { state throws(ErrorBody) in
            let start = cursor == nil ? 0 : (Int(cursor ?? "") ?? 0)
            let page = Array(state.jobs.dropFirst(start).prefix(limit))
            return JobPage(jobs: page, next: start + page.count < state.jobs.count ? "\(start + page.count)" : nil)
        }
    }

    func events(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> AsyncStream<JobEvent> {
        let job = try await status(id, for: peer)
        let script = state.withLock { $0.script }
        return AsyncStream { stream in
            stream.yield(.state(job))
            if let script {
                for event in script { stream.yield(event) }
                stream.finish()
                return
            }
            guard job.state.isFinal else { return }
            stream.yield(.progress(JobProgress(.denoise, step: 1, of: 2)))
            stream.yield(.warning("line one\nevent: result"))
            stream.yield(.text(offset: 0, "é\r\n"))
            stream.yield(.preview(Self.preview))
            stream.yield(.result(job))
            stream.finish()
        }
    }

    func output(_ id: JobID, number: Int, for peer: Peer) async throws(ErrorBody) -> (path: String, output: Output) {
        let status = try await status(id, for: peer)
        let file = state.withLock { $0.file }
        if let file {
            return (
                file, Output(index: number, format: .png, width: 8, height: 4, bytes: 3, sha256: status.id.rawValue)
            )
        }
        throw ErrorBody(.notFound, code: "unknown_output", message: "There is no such output.")
    }

    func cancel(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        state.withLock { $0.cancelled.append(id) }
        return try await status(id, for: peer)
    }
    func pause(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus { try await status(id, for: peer) }
    func resume(_ id: JobID, for peer: Peer) async throws(ErrorBody) -> JobStatus { try await status(id, for: peer) }

    func prioritise(_ id: JobID, _ priority: Int, for peer: Peer) async throws(ErrorBody) -> JobStatus {
        try answer(peer) { state throws(ErrorBody) in
            let place = try find(id, peer, state)
            state.jobs[place].priority = priority
            return state.jobs[place]
        }
    }

    func uploadPath(for peer: Peer) async throws(ErrorBody) -> String {
        try answer(peer) { _ throws(ErrorBody) in "\(folder)/\(UInt64.random(in: .min ... .max))" }
    }

    func keepUpload(_ path: String, sha256: String, bytes: Int, for peer: Peer) async throws(ErrorBody) -> Blob {
        unlink(path)
        return try answer(peer) { state throws(ErrorBody) in
            state.uploads[sha256] = bytes
            return Blob(sha256: sha256)
        }
    }

    func models() async throws(ErrorBody) -> [ModelInfo] {
        try answer { _ throws(ErrorBody) in [ModelInfo(id: "fake", created: 0, family: "fake", bytes: 1)] }
    }

    func unload(for peer: Peer) async throws(ErrorBody) -> UnloadReply {
        try answer(peer) { _ throws(ErrorBody) in UnloadReply(unloaded: true) }
    }

    func info() async -> StatusInfo {
        StatusInfo(
            version: lazuliVersion, state: state.withLock { $0.isDraining } ? .draining : .ready, pid: Int(getpid()),
            uptimeSeconds: 1, queued: 0, running: 0, workerDeaths: 0, worker: nil)
    }

    func counts() async -> [JobState: Int] { [.queued: state.withLock { $0.jobs.count }] }
}

struct Errno: Error {
    var number: Int32
}
