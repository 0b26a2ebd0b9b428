import API
import Glibc
import Jobs
import Logging
import Vocabulary
import Wire

// The life of the worker: when it starts, whether it works, and when it goes.
extension Dispatcher {
    /// The worker if it can take orders; otherwise one is started, now or when its time has come.
    func readyWorker() -> WorkerProcess? {
        guard !isDraining, condemned == nil else { return nil }
        if slot.process != nil { return slot.ready }
        if let earliest = slot.notBefore, earliest > now {
            wakeLater(earliest)
            return nil
        }
        let process: WorkerProcess
        do {
            process = try WorkerProcess(command)
        } catch {
            let words = if case .io(let number) = error { String(cString: strerror(number)) } else { "\(error)" }
            logger.error("worker not started", metadata: ["error": "\(words)"])
            slot.failed("\(command.executable) cannot be started (\(words))", at: now)
            complain()
            wakeLater(slot.notBefore ?? now)
            return nil
        }
        slot.hold(process, at: now)
        logger.info("worker started", metadata: ["pid": "\(process.pid)"])
        Task {
            for await event in process.events {
                await receive(event, from: process)
                if case .report = event { process.handled() }
            }
        }
        Task { await watch(process) }
        return nil
    }

    func wakeLater(_ time: SuspendingClock.Instant) {
        wake?.cancel()
        wake = Task {
            guard (try? await Task.sleep(until: time, clock: .suspending)) != nil else { return }
            pump()
        }
    }

    /// Looks now and then whether the worker lives, works, and keeps its leases.
    private func watch(_ process: WorkerProcess) async {
        let interval = min(settings.silence, settings.standstill, settings.readyTime, .seconds(20)) / 4
        var last = now
        var leased = now
        while slot.process === process {
            try? await Task.sleep(for: interval)
            guard slot.process === process else { return }
            // When this process itself stood still, its worker is not to blame for the silence.
            if now - last > interval * 3 { slot.forgive(at: now) }
            last = now
            if let stall = slot.stall(at: now, settings), condemned == nil { condemn(stall, isStall: true) }
            if now - leased > .seconds(settings.leaseTime / 4), !running.isEmpty {
                leased = now
                let leases = running.values.map(\.lease)
                try? await queue.heartbeat(leases, until: Self.machineTime + settings.leaseTime)
            }
        }
    }

    /// Kills the worker for a reason.
    func condemn(_ reason: String, isStall: Bool) {
        guard condemned == nil, let process = slot.process else { return }
        logger.warning("worker killed", metadata: ["reason": "\(reason)"])
        condemned = (reason, isStall)
        process.kill()
    }

    /// With nothing to do, the worker may stay for a while.
    func rest() {
        guard running.isEmpty, questions.isEmpty else {
            idleTimer?.cancel()
            return
        }
        if slot.isLeaving {
            stopWorker()
            return pump()
        }
        guard waitingJobs == 0, let process = slot.process else { return }
        idleTimer?.cancel()
        idleTimer = Task { [settings] in
            guard (try? await Task.sleep(for: settings.workerIdle)) != nil else { return }
            guard running.isEmpty, questions.isEmpty, slot.process === process, !isDraining else { return }
            logger.info("worker stopped after idle time")
            stopWorker()
        }
    }

    func stopWorker() {
        slot.process?.kill()
        slot.release(failure: nil, at: now)
        board.write { $0.worker = nil }
        answerAll()
    }

    /// Writes on the board why nothing runs, or that nothing is in the way.
    func complain() {
        let complaint = slot.complaint(at: now)
        board.write { $0.complaint = complaint }
    }
}
