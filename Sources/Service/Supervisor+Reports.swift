import API
import Digests
import Foundation
import Jobs
import Logging
import Wire

// What the worker says, and what becomes of it.
extension Supervisor {
    func receive(_ event: WorkerProcess.Event, from process: WorkerProcess) {
        guard process === worker else { return }
        switch event {
        case .report(let report, let payload):
            switch report {
            case .ready(let info):
                workerInfo = info
            case .models(let number, let models):
                answer(number, .success(models))
            case .modelsFailed(let number, let error):
                answer(number, .failure(error))
            case .progress(let job, let progress):
                guard job == running?.record.id, let noted = running?.note(progress, at: now) else { return }
                hub.tell(job, .progress(noted))
            case .warning(let job, let message):
                guard job == running?.record.id else { return }
                running?.warnings.append(message)
                hub.tell(job, .warning(message))
            case .image(let job, let image):
                if job == running?.record.id { keep(image, payload) }
            case .finished(let job, let result):
                if job == running?.record.id { succeed(result) }
            case .failed(let job, let error):
                if job == running?.record.id { fail(error) }
            case .cancelled(let job):
                if job == running?.record.id { stop() }
            }
        case .ended(let end):
            workerEnded(end)
        }
        pump()
    }

    private func answer(_ number: Int, _ reply: Result<[ModelInfo], ErrorBody>) {
        listings.removeValue(forKey: number)?.resume(returning: reply)
    }

    /// Writes a picture to the disk; it stays invisible until the job has succeeded.
    private func keep(_ image: EncodedImage, _ bytes: Data) {
        guard let job = running, job.failure == nil else { return }
        do throws(OutputError) {
            try outputs.stage(bytes, job: job.record.id, number: image.index, format: image.format)
            running?.outputs.append(
                Output(
                    index: image.index, format: image.format, width: image.width, height: image.height,
                    bytes: bytes.count, sha256: SHA256.hexadecimal(of: bytes), seed: image.seed,
                    url: Output.url(job: job.record.id, number: image.index)))
        } catch {
            running?.failure = error.body
            worker?.send(.cancel(job: job.record.id))
        }
    }

    private func succeed(_ result: GenerateResult) {
        guard let job = running else { return }
        if let failure = job.failure { return fail(failure) }
        guard job.outputs.map(\.index).sorted() == Array(0..<job.request.count) else {
            return fail(
                ErrorBody(
                    .internalFailure, code: "outputs_missing",
                    message: "The worker finished with \(job.outputs.count) of \(job.request.count) pictures."))
        }
        do throws(OutputError) {
            try outputs.publish(job: job.record.id, files: job.outputs.map { ($0.index, $0.format) })
        } catch {
            return fail(error.body)
        }
        finish(.succeeded(result))
    }

    func fail(_ error: ErrorBody) {
        finish(.failed(error))
    }

    /// The worker obeyed a cancel: the client's, or ours after a failure.
    private func stop() {
        finish(running?.failure.map(Ending.failed) ?? .cancelled)
    }

    private func workerEnded(_ end: WorkerProcess.End) {
        workerDeaths += 1
        logger.warning("worker died", metadata: ["end": "\(end)"])
        forgetWorker()
        guard let job = running else { return }
        if job.cancelRequested || job.failure != nil { return stop() }
        finish(.lost(end))
    }

    /// The error of a job that took its last worker along, as JSON.
    func poison(_ reason: String) -> String {
        let error = ErrorBody(
            .internalFailure, code: "poison",
            message: "Each of \(JobState.maximumAttempts) attempts ended before its result, the last one with "
                + "\(reason). The job is given up; a smaller picture or another model may do.")
        return (try? JSON.text(error)) ?? "{}"
    }

    /// Ends the work on the running job: journals, then tells. It stays the running job until the journal has it.
    private func finish(_ ending: Ending) {
        guard running?.ending == nil else { return }
        running?.ending = ending
        settle()
    }

    /// Journals the end of the running job if it has one.
    func settle() {
        guard let job = running, let ending = job.ending else { return }
        do throws(JobStoreError) {
            let record = try journal(ending, of: job)
            logger.info(
                "job \(record.state.rawValue)", metadata: ["job": "\(record.id)", "attempt": "\(record.attempts)"])
        } catch {
            logger.critical("job not journalled", metadata: ["job": "\(job.record.id)", "error": "\(error)"])
            if case .storage = error { return retryLater() }
        }
        running = nil
        tellState(job.record.id)
        prune()
    }

    private func journal(_ ending: Ending, of job: RunningJob) throws(JobStoreError) -> JobRecord {
        let id = job.record.id
        switch ending {
        case .succeeded(let result):
            return try store.succeed(
                id, result: (try? JSON.text(result)) ?? "{}", warnings: (try? JSON.text(job.warnings)) ?? "[]",
                outputs: job.outputs.map { OutputRecord($0, job: id) }, at: now)
        case .failed(let error):
            outputs.discard(job: id)
            return try store.fail(id, error: (try? JSON.text(error)) ?? "{}", at: now)
        case .lost(let end):
            outputs.discard(job: id)
            return try store.lose(id, error: poison("worker_died: \(end)"), at: now)
        case .cancelled:
            outputs.discard(job: id)
            return try store.cancel(id, at: now)
        }
    }

    private func prune() {
        do throws(JobStoreError) {
            for id in try store.prune(history: settings.history, bytes: settings.outputBytes) {
                outputs.discard(job: id)
            }
        } catch {
            logger.error("history not pruned", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Telling

    func status(of record: JobRecord, queue: [String]) throws(JobStoreError) -> JobStatus {
        let files = record.state == .succeeded ? try store.outputs(of: record.id) : []
        var status = JobStatus(record, outputs: files)
        if record.state == .queued { status.position = queue.firstIndex(of: record.id) }
        if let running, running.record.id == record.id {
            status.progress = running.progress
            status.warnings = running.warnings
        }
        return status
    }

    func tellState(_ id: String) {
        guard hub.hasListeners(id), let status = try? status(id) else { return }
        if status.state.isFinal { hub.finish(status) } else { hub.tell(id, .state(status)) }
    }

    /// Waiting jobs have moved up.
    func tellPositions() {
        for id in (try? store.queue()) ?? [] where hub.hasListeners(id) { tellState(id) }
    }
}
