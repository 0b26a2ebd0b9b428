import API
import Digests
import Foundation
import JSON
import Jobs
import Logging
import Vocabulary
import Wire

// What the worker says, and what becomes of it.
extension Dispatcher {
    func receive(_ event: WorkerProcess.Event, from process: WorkerProcess) async {
        guard slot.process === process else { return }
        switch event {
        case .report(let report, let payload):
            guard condemned == nil else { return }
            slot.heard(at: now)
            if let breach = await take(report, payload, from: process) {
                condemn("it broke the protocol: \(breach)", isStall: false)
            }
        case .ended(let end, let broke):
            await workerEnded(end, broke: broke)
        }
    }

    /// Takes a report; returns how it breaks the protocol, if it does. A false word about a job fails that job instead.
    private func take(_ report: Report, _ payload: Data, from process: WorkerProcess) async -> String? {
        if case .ready(let info) = report { return await takeReady(info, payload) }
        guard slot.info != nil else { return "it spoke before it was ready" }
        switch report {
        case .output, .checkpoint: break
        default: guard payload.isEmpty else { return "a payload where none belongs" }
        }
        switch report {
        case .ready: return nil
        case .heartbeat(let work):
            return slot.beat(work: work, at: now) ? nil : "its count of work went backwards"
        case .turn(let id): return takeTurn(id)
        case .answer(let number, let answer): return take(answer, to: number)
        case .progress(let id, let progress):
            return about(id) { job in
                if let fault = Judge.fault(in: progress) { return fault }
                hub.tell(id, .progress(job.note(progress, at: now)))
                return nil
            }
        case .warning(let id, let message):
            return about(id) { job in
                guard job.warnings.count < Judge.warningLimit else { return nil }
                job.warnings.warn(message)
                hub.tell(id, .warning(job.warnings.last ?? ""))
                return nil
            }
        case .text(let id, let offset, let text):
            return about(id) { _ in
                hub.write(id, offset: offset, text) ? nil : "\(text.utf8.count) bytes of text at byte \(offset)"
            }
        case .preview(let id, let preview):
            return about(id) { _ in
                if let fault = Judge.fault(in: preview) { return fault }
                hub.tell(id, .preview(preview))
                return nil
            }
        case .output(let id, let output):
            guard running[id]?.isSent == true else { return Self.unknown(id) }
            await keep(output, payload, of: id)
            return nil
        case .checkpoint(let id, let facts, let progress):
            guard running[id]?.isSent == true else { return Self.unknown(id) }
            await keep(CheckpointReport(facts: facts, progress: progress), payload, of: id)
            return nil
        case .ended(let id, let end): return await take(end, of: id)
        }
    }

    private func takeReady(_ info: WorkerInfo, _ payload: Data) async -> String? {
        guard slot.info == nil else { return "it was ready twice" }
        guard payload.isEmpty else { return "a payload where none belongs" }
        if let fault = Judge.fault(in: info) { return fault }
        slot.becameReady(info, at: now)
        board.write { [slot] board in
            board.worker = slot.process.map { process in
                let facts = Board.WorkerFacts(
                    version: info.version, device: info.device, kernels: info.kernels, threads: info.threads)
                return (process.pid, facts)
            }
        }
        complain()
        flushQuestions()
        pump()
        return nil
    }

    private func takeTurn(_ id: JobID?) -> String? {
        if let id, running[id]?.isSent != true { return Self.unknown(id) }
        charge(slot.turned(to: id, at: now))
        mark.set(id)
        return nil
    }

    func charge(_ turn: (job: JobID, seconds: Double)?) {
        guard let turn, let job = running[turn.job] else { return }
        shares.charge(job.record.uid, turn.seconds, at: now)
    }

    private static func unknown(_ id: JobID) -> String {
        "it told of the job \"\(id.rawValue.cut(to: 32))\", which it does not have"
    }

    /// Judges and takes words about a job. They do not matter any more when the job is stopping.
    private func about(_ id: JobID, _ body: (inout RunningJob) -> String?) -> String? {
        guard var job = running[id], job.isSent else { return Self.unknown(id) }
        guard job.end == nil, !job.isStopping else { return nil }
        let fault = body(&job)
        running[id] = job
        show(id)
        if let fault { reject(id, fault) }
        return nil
    }

    /// Fails a job about which the worker said what cannot be; the worker is told to drop it.
    private func reject(_ id: JobID, _ fault: String) {
        refuse(
            id,
            ErrorBody(
                .internalFailure, code: "bad_report",
                message: "The worker reported \(fault.cut(to: 200)). The job was stopped; please report this as a bug.")
        )
    }

    private func refuse(_ id: JobID, _ error: ErrorBody) {
        guard running[id]?.end == nil, running[id]?.failure == nil else { return }
        logger.warning("job stopped", metadata: ["job": "\(id)", "error": "\(error.message)"])
        running[id]?.failure = error
        stop(id)
    }

    // MARK: Files

    /// Writes a file to the disk; it stays invisible until the job has succeeded.
    private func keep(_ output: Output, _ bytes: Data, of id: JobID) async {
        guard let job = running[id], job.end == nil, !job.isStopping else { return }
        let format = Judge.format(of: bytes)
        let sha256 = await disk.run { SHA256.hexadecimal(of: bytes) }
        if let fault = Judge.fault(in: output, bytes: bytes.count, sha256: sha256, format: format) {
            return reject(id, fault)
        }
        // A worker that begins a job again makes its files again.
        if job.outputs.contains(where: { $0.index == output.index }), !job.inherited.contains(output.index) {
            return reject(id, "file \(output.index) twice")
        }
        do throws(OutputError) {
            try await disk.attempt { [outputs] () throws(OutputError) in
                try outputs.stage(bytes, job: id, number: output.index, format: output.format)
            }
        } catch {
            if running[id]?.lease == job.lease { refuse(id, error.body) }
            return
        }
        guard running[id]?.lease == job.lease else { return }
        running[id]?.inherited.remove(output.index)
        running[id]?.outputs.removeAll { $0.index == output.index }
        running[id]?.outputs.append(output)
    }

    /// Writes a checkpoint: tensors first, then the row that names their file, then the file before goes.
    private func keep(_ report: CheckpointReport, _ bytes: Data, of id: JobID) async {
        guard let job = running[id], job.end == nil, !job.isStopping else { return }
        if let fault = Judge.fault(in: report.progress) { return reject(id, fault) }
        guard let facts = try? JSONText.encode(report.facts), facts.utf8.count <= Judge.factsLimit else {
            return reject(id, "a checkpoint whose facts are too long")
        }
        running[id]?.nextCheckpoint &+= 1
        let number = job.nextCheckpoint
        do {
            let file = try await disk.attempt { [outputs] () throws(OutputError) in
                try outputs.writeCheckpoint(bytes, job: id, number: number)
            }
            let point = CheckpointRecord(
                job: id, file: file, bytes: bytes.count, facts: facts, progress: try JSONText.encode(report.progress),
                step: report.progress.step, text: hub.text(id))
            try await queue.checkpoint(job.lease, point, outputs: job.outputs)
            guard running[id]?.lease == job.lease else { return }
            running[id]?.checkpoint = file
            await disk.run { [outputs] in outputs.keepCheckpoint(job: id, file: file) }
        } catch {
            // The job goes on; only a death would make it begin further back.
            logger.error("checkpoint not kept", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }

    // MARK: Ends

    private func take(_ end: WorkEnd, of id: JobID) async -> String? {
        guard let job = running[id], job.isSent, job.end == nil else { return Self.unknown(id) }
        charge(slot.charge(at: now))
        switch end {
        case .cancelled:
            guard job.isStopping else { return "it cancelled the job \(id) unasked" }
            await finish(id, job.failure.map { .failed($0) } ?? .cancelled)
        case .yielded:
            guard job.yieldRequested || job.isStopping || isDraining else {
                return "it handed back the job \(id) unasked"
            }
            await finish(id, job.failure.map { .failed($0) } ?? (job.cancelRequested ? .cancelled : .interrupted))
        case .failed(let error):
            await finish(id, .failed(job.failure ?? Judge.trimmed(error)))
        case .finished(let result, let count):
            if let failure = job.failure {
                await finish(id, .failed(failure))
            } else if job.outputs.count != count || job.outputs.map(\.index).sorted() != Array(0..<job.outputs.count) {
                await finish(
                    id,
                    .failed(
                        ErrorBody(
                            .internalFailure, code: "outputs_missing",
                            message:
                                "The worker finished with \(job.outputs.count) of \(count) files. Send the job again."))
                )
            } else if let text = try? JSONText.encode(result), text.utf8.count <= Judge.resultLimit {
                await finish(id, .succeeded(result: text))
            } else {
                await finish(
                    id,
                    .failed(
                        ErrorBody(
                            .internalFailure, code: "bad_report",
                            message: "The worker's result is longer than \(Judge.resultLimit) bytes. Ask for less.")))
            }
        }
        slot.succeeded()
        complain()
        pump()
        return nil
    }

    private func workerEnded(_ end: WorkerProcess.End, broke: String?) async {
        charge(slot.charge(at: now))
        let turn = slot.turn
        let kill = condemned ?? broke.map { ("it broke the protocol: \($0)", false) }
        condemned = nil
        let wasReady = slot.info != nil
        let isOrderly = isDraining
        let reason = kill?.reason ?? (wasReady ? "it died with \(end)" : "it died before it was ready, with \(end)")
        if !isOrderly { logger.warning("worker died", metadata: ["end": "\(end)", "reason": "\(reason)"]) }
        slot.release(failure: isOrderly ? nil : reason, at: now)
        board.write { board in
            board.worker = nil
            if !isOrderly { board.deaths += 1 }
        }
        complain()
        answerAll()
        mark.set(nil)
        let ended = running.filter { $0.value.end == nil && $0.value.isSent }
        for (id, job) in ended {
            if job.isStopping {
                running[id]?.end = job.failure.map { .failed($0) } ?? .cancelled
            } else if id == turn, !isOrderly {
                running[id]?.end = .lost(
                    kill?.isStall == true ? stalled(reason) : poison(kill == nil ? "worker_died: \(end)" : reason))
            } else {
                running[id]?.end = .interrupted
            }
        }
        for id in ended.keys { await settle(id) }
        pump()
    }

    /// The error of a job that took its last worker along.
    func poison(_ reason: String) -> ErrorBody {
        ErrorBody(
            .internalFailure, code: "poison",
            message: "Each of \(JobState.maximumAttempts) attempts ended before its result, the last one with "
                + "\(reason.cut(to: 400)). The job is given up; a smaller picture or another model may do.")
    }

    private func stalled(_ reason: String) -> ErrorBody {
        ErrorBody(
            .internalFailure, code: "stalled",
            message:
                "\(JobState.maximumAttempts) attempts did not end; the worker was killed since \(reason.cut(to: 400)). "
                + "The job is given up; a smaller picture or another model may do.")
    }
}

/// A checkpoint without its tensors.
private struct CheckpointReport {
    var facts: JSON
    var progress: JobProgress
}
