import API
import Jobs
import Logging
import Vocabulary

// How work ends: the journal is told, then everybody else.
extension Dispatcher {
    /// Ends the work on a job. It stays among the running ones until the journal has it.
    func finish(_ id: JobID, _ end: RunningJob.End) async {
        guard running[id] != nil, running[id]?.end == nil else { return }
        running[id]?.end = end
        await settle(id)
    }

    /// Journals the end of a job if it has one.
    func settle(_ id: JobID) async {
        guard let job = running[id], let end = job.end, !job.isSettling else { return }
        running[id]?.isSettling = true
        let ending: Ending
        switch end {
        case .succeeded(let result):
            do throws(OutputError) {
                try await disk.attempt { [outputs] () throws(OutputError) in
                    try outputs.publish(job: id, outputs: job.outputs)
                }
                ending = .succeeded(result: result, outputs: job.outputs.sorted { $0.index < $1.index })
            } catch {
                ending = .failed(error: text(of: error.body))
            }
        case .failed(let error): ending = .failed(error: text(of: error))
        case .cancelled: ending = .cancelled
        case .interrupted: ending = .interrupted
        case .lost(let error): ending = .lost(error: text(of: error))
        }
        let warnings = (try? JSONText.encode(job.warnings)) ?? "[]"
        do throws(JournalError) {
            let record = try await queue.finish(job.lease, ending, warnings: warnings, at: settings.time())
            logger.info(
                "job \(record.state.rawValue)", metadata: ["job": "\(id)", "attempts": "\(record.attempts)"])
            await tidy(record, checkpoint: running[id]?.checkpoint)
            running[id] = nil
        } catch {
            guard await survives(error, id, job) else { return }
            running[id] = nil
        }
        board.write { $0.live[id] = nil }
        hub.forgetText(id)
        await ended(id)
    }

    /// Whether the job is done with although the journal refused its end.
    private func survives(_ error: JournalError, _ id: JobID, _ job: RunningJob) async -> Bool {
        running[id]?.isSettling = false
        logger.critical("job not journalled", metadata: ["job": "\(id)", "error": "\(error)"])
        switch error {
        case .storage:
            if running[id]?.cancelRequested == true, job.failure == nil { running[id]?.end = .cancelled }
            retryLater()
            return false
        case .refused(let words):
            // What the schema does not take it never will; the job fails with that, in words of the daemon's own.
            if case .failed(let body)? = job.end, body.code == "journal_refused" { return true }
            running[id]?.warnings = []
            running[id]?.end = .failed(
                ErrorBody(
                    .internalFailure, code: "journal_refused",
                    message:
                        "The end of the job cannot be journalled: \(words.cut(to: 400)). Please report this as a bug."))
            await settle(id)
            return false
        default:
            // Somebody else has the job, or it is gone.
            return true
        }
    }

    /// Removes the files that the job's state does not need.
    private func tidy(_ record: JobRecord, checkpoint: String?) async {
        let id = record.id
        await disk.run { [outputs] in
            switch record.state {
            case .succeeded: outputs.tidy(job: id)
            case .queued, .running:
                if let checkpoint {
                    outputs.keepCheckpoint(job: id, file: checkpoint)
                } else {
                    outputs.discard(job: id)
                }
            case .failed, .cancelled: outputs.discard(job: id)
            }
        }
    }

    /// The journal has a new state of the job: tells it, and makes room.
    func ended(_ id: JobID) async {
        await refreshCounts()
        await tellState(id)
        await tellPositions()
        await prune()
        rest()
        pump()
    }

    private func prune() async {
        do throws(JournalError) {
            let pruned = try await journal.prune(
                history: settings.history, bytes: settings.outputBytes, ownBytes: settings.ownOutputBytes)
            guard !pruned.jobs.isEmpty else { return }
            await disk.run { [outputs, blobs, journal] in
                for job in pruned.jobs { outputs.discard(job: job) }
                for blob in pruned.blobs where (try? journal.holdsNow(blob)) == false { blobs.remove(blob) }
            }
            await refreshCounts()
        } catch {
            logger.error("history not pruned", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Telling

    func text(of error: ErrorBody) -> String {
        (try? JSONText.encode(Judge.trimmed(error))) ?? "{}"
    }

    /// Puts what is known of a running job on the board.
    func show(_ id: JobID) {
        guard let job = running[id] else { return }
        board.write { $0.live[id] = Board.Live(progress: job.progress, warnings: job.warnings) }
    }

    func refreshCounts() async {
        guard let counts = try? await journal.counts() else { return }
        let isBusy = !running.isEmpty
        board.write { board in
            board.counts = counts
            board.isBusy = isBusy
        }
    }

    func tellState(_ id: JobID) async {
        guard hub.hasListeners(id), let entry = try? await journal.job(id) else { return }
        let status = JobStatus(entry, board: board, withRequest: false)
        if status.state.isFinal { hub.finish(status) } else { hub.tell(id, .state(status)) }
    }

    /// Waiting jobs have moved up.
    func tellPositions() async {
        for id in hub.heard where running[id] == nil { await tellState(id) }
    }
}
