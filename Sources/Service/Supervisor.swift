package import API
import Foundation
package import Jobs
package import Logging
import Wire

/// Takes jobs in, hands them one by one to the worker process, and keeps what comes back.
///
/// The worker is started for the first job and stopped when it has been idle for a while, so its memory returns to the
/// system. Its death costs one attempt of one job.
package actor Supervisor {
    package struct Settings: Sendable {
        /// Waiting jobs beyond which a submission is refused.
        package var queueLimit = 256
        /// How long an idle worker keeps its weights.
        package var workerIdle = Duration.seconds(300)
        /// How long a cancelled job may go on before its worker is killed.
        package var cancelGrace = Duration.seconds(10)
        /// Final jobs that are remembered.
        package var history = 1000
        /// How long to wait before a journal that failed is tried again.
        package var journalRetry = Duration.seconds(2)
        /// Bytes of outputs that are kept.
        package var outputBytes = 4 << 30

        package init() {}
    }

    nonisolated private let queue = QueueExecutor(label: "lazuli.supervisor")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    let store: JobStore
    let outputs: OutputFolder
    let settings: Settings
    let logger: Logger
    private let command: WorkerCommand
    private let started = ContinuousClock.now

    var running: RunningJob?
    var hub = EventHub()
    private(set) var worker: WorkerProcess?
    var workerInfo: WorkerInfo?
    var workerDeaths = 0
    /// Requests for the list of models that the worker has not answered.
    var listings: [Int: CheckedContinuation<Result<[ModelInfo], ErrorBody>, Never>] = [:]
    private var nextListing = 0
    private var idleTimer: Task<Void, Never>?
    private var retry: Task<Void, Never>?
    private var stopWhenFree = false
    private var draining = false

    package init(
        store: JobStore, outputs: OutputFolder, command: WorkerCommand, settings: Settings = Settings(), logger: Logger
    ) {
        self.store = store
        self.outputs = outputs
        self.command = command
        self.settings = settings
        self.logger = logger
    }

    var now: Double { Date().timeIntervalSince1970 }

    /// Takes over from a daemon that died: its running job has lost an attempt, the queue goes on.
    package func recover() throws(ErrorBody) {
        do throws(JobStoreError) {
            for id in try store.abandoned() {
                outputs.discard(job: id)
                let record = try store.lose(id, error: poison("the daemon died"), at: now)
                logger.notice("job recovered", metadata: ["job": "\(id)", "state": "\(record.state)"])
            }
        } catch {
            throw error.body
        }
        pump()
    }

    // MARK: Requests

    /// Journals a job and starts it if nothing is in its way. The seed is fixed here, so every attempt draws the same.
    package func submit(_ submission: JobSubmission, uid: UInt32) throws(ErrorBody) -> JobStatus {
        var request = submission.request
        request.seed = request.seed ?? UInt64(UInt32.random(in: .min ... .max))
        let record = JobRecord(
            kind: submission.kind.rawValue, priority: submission.priority, uid: uid, created: now,
            request: try JSON.text(request), warnings: try JSON.text(submission.warnings))
        do throws(JobStoreError) {
            _ = try store.add(record, limit: settings.queueLimit)
        } catch {
            throw error.body
        }
        logger.info("job queued", metadata: ["job": "\(record.id)", "uid": "\(uid)"])
        pump()
        return try status(record.id)
    }

    /// The job as it is now.
    package func status(_ id: String) throws(ErrorBody) -> JobStatus {
        do throws(JobStoreError) {
            guard let record = try store.job(id) else { throw JobStoreError.unknownJob(id) }
            return try status(of: record, queue: record.state == .queued ? try store.queue() : [])
        } catch {
            throw error.body
        }
    }

    package func jobs(limit: Int) throws(ErrorBody) -> [JobStatus] {
        do throws(JobStoreError) {
            let queue = try store.queue()
            var statuses: [JobStatus] = []
            for record in try store.jobs(limit: limit) { statuses.append(try status(of: record, queue: queue)) }
            return statuses
        } catch {
            throw error.body
        }
    }

    /// Cancels a waiting job at once and a running one at its next step; a final one is a conflict.
    package func cancel(_ id: String) throws(ErrorBody) -> JobStatus {
        if let job = running, job.record.id == id, job.ending == nil {
            requestCancel()
            return try status(id)
        }
        do throws(JobStoreError) {
            _ = try store.cancel(id, at: now)
        } catch {
            throw error.body
        }
        logger.info("job cancelled", metadata: ["job": "\(id)"])
        let cancelled = try status(id)
        hub.finish(cancelled)
        tellPositions()
        return cancelled
    }

    /// The events of a job from now on, see `JobEvent`.
    package func events(_ id: String) throws(ErrorBody) -> AsyncStream<JobEvent> {
        hub.listen(to: try status(id)) { number in
            Task { await self.leave(id, number) }
        }
    }

    /// The path and format of a finished file.
    package func output(_ id: String, number: Int) throws(ErrorBody) -> (path: String, output: Output) {
        guard let output = try status(id).outputs.first(where: { $0.index == number }) else {
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

    /// Asks the worker, which is started for it, for its models.
    package func models() async throws(ErrorBody) -> [ModelInfo] {
        let worker = try readyWorker()
        let number = nextListing
        nextListing += 1
        let reply = await withCheckedContinuation { continuation in
            listings[number] = continuation
            worker.send(.listModels(number: number))
        }
        return try reply.get()
    }

    /// Ends the worker, and with it every resident weight; after the running job if there is one.
    package func unload() -> UnloadReply {
        guard running == nil else {
            stopWhenFree = true
            return UnloadReply(unloaded: false)
        }
        stopWorker()
        return UnloadReply(unloaded: true)
    }

    package func info() throws(ErrorBody) -> StatusInfo {
        let queued: Int
        do throws(JobStoreError) {
            queued = try store.counts()[.queued] ?? 0
        } catch {
            throw error.body
        }
        var resident: StatusInfo.Worker?
        if let worker, let workerInfo {
            resident = StatusInfo.Worker(
                pid: Int(worker.pid), version: workerInfo.version, device: workerInfo.device,
                kernels: workerInfo.kernels, threads: workerInfo.threads, memoryBytes: worker.memoryBytes)
        }
        let uptime = (ContinuousClock.now - started) / .seconds(1)
        return StatusInfo(
            version: lazuliVersion, state: draining ? .draining : running == nil ? .ready : .busy,
            pid: Int(getpid()), uptimeSeconds: uptime, queued: queued, running: running?.record.id,
            workerDeaths: workerDeaths, worker: resident)
    }

    package func counts() throws(ErrorBody) -> [JobState: Int] {
        do throws(JobStoreError) {
            return try store.counts()
        } catch {
            throw error.body
        }
    }

    /// Whether there is work, so the daemon must stay.
    package var isBusy: Bool { running != nil || !listings.isEmpty }

    /// Stops in good order: the running job goes back into the queue as if it had not been started.
    package func drain() {
        draining = true
        retry?.cancel()
        settle()
        if let job = running {
            do throws(JobStoreError) {
                let id = job.record.id
                _ = job.cancelRequested ? try store.cancel(id, at: now) : try store.interrupt(id, at: now)
            } catch {
                logger.error("job not put back", metadata: ["error": "\(error)"])
            }
            outputs.discard(job: job.record.id)
            running = nil
        }
        stopWorker()
        hub.close()
    }

    // MARK: The queue

    /// Starts the next job if nothing runs.
    func pump() {
        while running == nil, !draining {
            let record: JobRecord
            do throws(JobStoreError) {
                guard let next = try store.startNext(at: now) else { return rest() }
                record = next
            } catch {
                // Without a journal nothing may start.
                logger.critical("queue stopped", metadata: ["error": "\(error)"])
                return retryLater()
            }
            idleTimer?.cancel()
            logger.info("job started", metadata: ["job": "\(record.id)", "attempt": "\(record.attempts)"])
            do throws(ErrorBody) {
                running = try RunningJob(record)
                tellState(record.id)
                tellPositions()
                try start()
            } catch {
                running = running ?? RunningJob(unreadable: record)
                fail(error)
            }
        }
    }

    /// Tries the journal again after a while, since disks get room and locks are let go.
    func retryLater() {
        guard retry == nil, !draining else { return }
        retry = Task { [settings] in
            guard (try? await Task.sleep(for: settings.journalRetry)) != nil else { return }
            tryAgain()
        }
    }

    private func tryAgain() {
        retry = nil
        settle()
        pump()
    }

    private func start() throws(ErrorBody) {
        guard let job = running else { return }
        let order = Order.run(job: job.record.id, attempt: job.record.attempts, request: job.request)
        try readyWorker().send(order)
    }

    /// With nothing to do, the worker may stay for a while.
    private func rest() {
        if stopWhenFree { stopWorker() }
        guard let worker else { return }
        idleTimer?.cancel()
        idleTimer = Task { [settings] in
            guard (try? await Task.sleep(for: settings.workerIdle)) != nil else { return }
            stopIdle(worker)
        }
    }

    private func stopIdle(_ idle: WorkerProcess) {
        guard running == nil, listings.isEmpty, worker === idle else { return }
        logger.info("worker stopped after idle time")
        stopWorker()
    }

    private func requestCancel() {
        guard var job = running, !job.cancelRequested, let worker else { return }
        job.cancelRequested = true
        running = job
        let id = job.record.id
        worker.send(.cancel(job: id))
        Task { [settings] in
            try? await Task.sleep(for: settings.cancelGrace)
            killIfStuck(id, worker)
        }
    }

    private func killIfStuck(_ id: String, _ stuck: WorkerProcess) {
        guard let job = running, job.record.id == id, job.ending == nil, worker === stuck else { return }
        logger.warning("worker did not stop in time, killed", metadata: ["job": "\(id)"])
        stuck.kill()
    }

    private func leave(_ id: String, _ number: Int) {
        hub.leave(id, number)
    }

    // MARK: The worker

    private func readyWorker() throws(ErrorBody) -> WorkerProcess {
        if let worker { return worker }
        guard !draining else {
            throw ErrorBody(.unavailable, code: "draining", message: "The daemon is stopping. Try again in a moment.")
        }
        let process: WorkerProcess
        do {
            process = try WorkerProcess(command)
        } catch {
            throw ErrorBody(
                .unavailable, code: "worker_unavailable",
                message: "The worker \(command.executable) could not be started: \(error). Check the installation.")
        }
        worker = process
        stopWhenFree = false
        logger.info("worker started", metadata: ["pid": "\(process.pid)"])
        Task {
            for await event in process.events { receive(event, from: process) }
        }
        return process
    }

    private func stopWorker() {
        worker?.kill()
        forgetWorker()
    }

    /// Lets go of a worker that is dead or dying; what it still sends is not heard.
    func forgetWorker() {
        worker = nil
        workerInfo = nil
        stopWhenFree = false
        let gone = ErrorBody(.unavailable, code: "worker_gone", message: "The worker ended meanwhile. Try again.")
        let waiting = listings.values
        listings = [:]
        waiting.forEach { $0.resume(returning: .failure(gone)) }
    }
}
