import API
import Foundation
import Jobs
import Logging
import Vocabulary
import Wire

/// Joins the desk, which takes jobs, and the slot, which holds a worker process: hands jobs over and keeps what comes back.
///
/// Several jobs are with the worker at once; it divides its time among them. The worker is started for the first job and
/// stopped when it has been idle for a while, so its memory returns to the system. Its death costs an attempt of the job
/// that it was at, and of no other. Nothing here waits for the worker to read, for a disk or for the journal while the
/// actor is held: between two awaits everything may have changed, so jobs are looked up again by name and lease.
package actor Dispatcher {
    let journal: Journal
    let queue: any JobQueue
    let outputs: OutputFolder
    let blobs: BlobFolder
    let mark: TurnMark
    let disk: Disk
    let hub: EventHub
    let board: Board
    let settings: Settings
    let logger: Logger
    let command: WorkerCommand

    var running: [JobID: RunningJob] = [:]
    var slot = Slot()
    var shares = Shares()
    var questions = Questions()
    var listing: Task<Result<[ModelInfo], ErrorBody>, Never>?
    /// Jobs that were cancelled in the moment in which they were claimed.
    private var earlyCancels: Set<JobID> = []
    var waitingJobs = 0
    private var wantsPump = false
    private var isPumping = false
    var idleTimer: Task<Void, Never>?
    private var retry: Task<Void, Never>?
    var wake: Task<Void, Never>?
    private(set) var isDraining = false
    /// Why the worker is being killed; what it still says is not heard.
    var condemned: (reason: String, isStall: Bool)?

    init(
        journal: Journal, outputs: OutputFolder, blobs: BlobFolder, mark: TurnMark, disk: Disk, hub: EventHub,
        board: Board, command: WorkerCommand, settings: Settings, logger: Logger
    ) {
        self.journal = journal
        queue = journal
        self.outputs = outputs
        self.blobs = blobs
        self.mark = mark
        self.disk = disk
        self.hub = hub
        self.board = board
        self.command = command
        self.settings = settings
        self.logger = logger
    }

    var now: SuspendingClock.Instant { .now }

    /// Takes over from a daemon that died: the queue goes on, and only the job that its worker was at has lost an attempt.
    func recover() async throws(JournalError) {
        let back = try await journal.recover(
            answering: mark.job, error: text(of: poison("the daemon died")), at: settings.time())
        mark.set(nil)
        for job in back { logger.notice("job recovered", metadata: ["job": "\(job.id)", "state": "\(job.state)"]) }
        let keepers = try await journal.keepers()
        let known = try await journal.blobs()
        await disk.run { [outputs, blobs] in
            outputs.sweep(keeping: keepers)
            blobs.sweep(keeping: known)
        }
        await refreshCounts()
        pump()
    }

    /// Whether there is work, so the daemon must stay.
    var isBusy: Bool { !running.isEmpty || !questions.isEmpty || waitingJobs > 0 }

    // MARK: The queue

    /// Hands waiting jobs over as far as there is room for them.
    func pump() {
        wantsPump = true
        guard !isPumping, !isDraining else { return }
        isPumping = true
        Task {
            while wantsPump, !isDraining {
                wantsPump = false
                await handOver()
            }
            isPumping = false
        }
    }

    private func handOver() async {
        do throws(JournalError) {
            waitingJobs = try await journal.waiting().count
            guard waitingJobs > 0 else { return rest() }
            guard !slot.isLeaving, let process = readyWorker() else { return rest() }
            while !isDraining, !slot.isLeaving, condemned == nil, slot.ready === process {
                guard let claimed = try await claim() else { break }
                await begin(claimed, process)
                await refreshCounts()
                await tellPositions()
            }
        } catch {
            // Without a journal nothing may start.
            logger.critical("queue stopped", metadata: ["error": "\(error)"])
            retryLater()
        }
        rest()
    }

    private func claim() async throws(JournalError) -> ClaimedJob? {
        let present = running.values.map { Admission.Present(uid: $0.record.uid, priority: $0.record.priority) }
        let served = shares.served(at: now)
        let admission = settings.admission
        let time = Self.machineTime
        return try await queue.claim(now: time, until: time + settings.leaseTime, at: settings.time()) { waiting in
            admission.next(waiting: waiting, present: present, served: served)
        }
    }

    static var machineTime: MachineTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Gives a claimed job to the worker, with its checkpoint if that is whole.
    private func begin(_ claimed: ClaimedJob, _ process: WorkerProcess) async {
        let id = claimed.job.id
        let warnings = (try? JSONText.decode([String].self, claimed.job.warnings)) ?? []
        let point = claimed.checkpoint
        let progress = point.flatMap { try? JSONText.decode(JobProgress.self, $0.progress) } ?? JobProgress(.load)
        running[id] = RunningJob(claimed, warnings: warnings, progress: progress)
        if earlyCancels.remove(id) != nil { running[id]?.cancelRequested = true }
        show(id)
        var facts = point.flatMap { try? JSONText.json($0.facts) }
        if let point {
            let isWhole = await disk.run { [outputs] in
                Files.size(outputs.checkpointPath(job: id, file: point.file)) == point.bytes
                    && outputs.restoreStaged(claimed.outputs, job: id)
            }
            if !isWhole { facts = nil }
        }
        guard running[id]?.lease == claimed.lease, running[id]?.end == nil else { return }
        if facts == nil { running[id]?.beginAgain() }
        hub.restore(id, text: facts == nil ? "" : point?.text ?? "")
        if running[id]?.cancelRequested == true { return await finish(id, .cancelled) }
        guard slot.ready === process, condemned == nil, !isDraining else { return await finish(id, .interrupted) }
        guard let parameters = try? JSONText.json(claimed.job.request) else {
            return await finish(
                id,
                .failed(
                    ErrorBody(
                        .internalFailure, code: "journal_unreadable",
                        message: "The journal holds a request that this version cannot read. Send the job again.")))
        }
        let order = RunOrder(
            job: id, kind: claimed.job.kind, parameters: parameters,
            inputs: claimed.inputs.map { InputFile(blob: $0, path: blobs.path($0, uid: claimed.job.uid)) },
            uid: claimed.job.uid, priority: claimed.job.priority, resume: facts)
        logger.info(
            "job started",
            metadata: [
                "job": "\(id)", "attempt": "\(claimed.job.attempts)",
                "from": "\(facts == nil ? 0 : point?.step ?? 0)",
            ])
        running[id]?.isSent = true
        var payload: WorkerProcess.Payload?
        if facts != nil, let point {
            payload = WorkerProcess.Payload(
                path: outputs.checkpointPath(job: id, file: point.file), bytes: point.bytes)
        }
        send(.run(order), payload: payload)
        await tellState(id)
    }

    /// Sends an order. A worker that leaves hundreds unread is stuck.
    func send(_ order: Order, payload: WorkerProcess.Payload? = nil) {
        guard let process = slot.ready, condemned == nil else { return }
        if !process.send(order, payload: payload) { condemn("it does not read its orders", isStall: true) }
    }

    /// Tries the journal again after a while, since disks get room and locks are let go.
    func retryLater() {
        guard retry == nil, !isDraining else { return }
        retry = Task { [settings] in
            guard (try? await Task.sleep(for: settings.journalRetry)) != nil else { return }
            await tryAgain()
        }
    }

    private func tryAgain() async {
        retry = nil
        // Leases first: jobs whose end waits must not be given to others.
        let leases = running.values.map(\.lease)
        try? await queue.heartbeat(leases, until: Self.machineTime + settings.leaseTime)
        for id in running.keys where running[id]?.end != nil { await settle(id) }
        pump()
    }

    // MARK: Requests

    /// A job was journalled.
    func added(_ id: JobID, uid: UInt32) async {
        logger.info("job queued", metadata: ["job": "\(id)", "uid": "\(uid)"])
        waitingJobs += 1
        await refreshCounts()
        pump()
    }

    /// Cancels a waiting job at once and a running one as soon as the worker lets it go; a final one is a conflict.
    func cancel(_ id: JobID) async throws(JournalError) {
        if running[id] != nil { return await cancelRunning(id) }
        do throws(JournalError) {
            _ = try await journal.end(id, .cancelled, at: settings.time())
        } catch .leaseLost {
            // It was claimed meanwhile.
            if running[id] != nil { return await cancelRunning(id) }
            earlyCancels.insert(id)
            return
        }
        logger.info("job cancelled", metadata: ["job": "\(id)"])
        await disk.run { [outputs] in outputs.discard(job: id) }
        await ended(id)
    }

    private func cancelRunning(_ id: JobID) async {
        guard let job = running[id], !job.cancelRequested else { return }
        running[id]?.cancelRequested = true
        if job.end != nil {
            // The journal did not take the end yet, and shall not.
            if !job.isSettling {
                running[id]?.end = .cancelled
                await settle(id)
            }
            return
        }
        stop(id)
    }

    /// Tells the worker to drop a job, and kills it when it does not.
    func stop(_ id: JobID) {
        guard let job = running[id], job.isSent, let process = slot.ready else { return }
        send(.cancel(id))
        Task { [settings] in
            try? await Task.sleep(for: settings.cancelGrace)
            guard running[id]?.lease == job.lease, running[id]?.end == nil, slot.process === process else { return }
            condemn("it went on with a job that was cancelled", isStall: false)
        }
    }

    func pause(_ id: JobID) async throws(JournalError) {
        _ = try await journal.setPaused(id, true)
        if let job = running[id], job.end == nil, !job.isStopping {
            running[id]?.yieldRequested = true
            if job.isSent { send(.yield(id)) }
        }
        await refreshCounts()
        await tellState(id)
        await tellPositions()
    }

    func resume(_ id: JobID) async throws(JournalError) {
        _ = try await journal.setPaused(id, false)
        await tellState(id)
        pump()
    }

    func prioritise(_ id: JobID, _ priority: Int, warning: String?) async throws(JournalError) {
        var warnings: String?
        if let warning {
            running[id]?.warnings.warn(warning)
            var all = (try? JSONText.decode([String].self, try await journal.job(id)?.job.warnings ?? "[]")) ?? []
            all.warn(warning)
            warnings = try? JSONText.encode(all)
            show(id)
        }
        _ = try await journal.setPriority(id, priority, warnings: warnings)
        if running[id]?.isSent == true { send(.prioritise(id, priority: priority)) }
        await tellState(id)
        await tellPositions()
        pump()
    }

    /// Ends the worker, and with it every resident weight; after the running jobs if there are some.
    func unload() -> Bool {
        guard running.isEmpty else {
            slot.isLeaving = true
            return false
        }
        stopWorker()
        return true
    }

    /// Stops in good order: jobs hand over checkpoints and go back into the queue as if they had not been started.
    func drain() async {
        isDraining = true
        board.write { $0.isDraining = true }
        for timer in [retry, idleTimer, wake] { timer?.cancel() }
        send(.quit)
        let deadline = now + settings.drainTime
        while now < deadline, slot.ready != nil, running.values.contains(where: { $0.isSent && $0.end == nil }) {
            try? await Task.sleep(for: .milliseconds(10))
        }
        condemned = condemned ?? ("the daemon stops", false)
        slot.process?.kill()
        for id in running.keys {
            if running[id]?.end == nil {
                running[id]?.end =
                    running[id]?.failure.map { .failed($0) }
                    ?? (running[id]?.cancelRequested == true ? .cancelled : .interrupted)
            }
            await settle(id)
        }
        mark.set(nil)
        answerAll()
        hub.close()
    }
}
