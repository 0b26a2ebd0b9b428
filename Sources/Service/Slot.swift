import API
import Vocabulary
import Wire

/// Holds a worker process, or knows when the next one may be started. It does nothing by itself.
struct Slot {
    typealias Time = SuspendingClock.Instant

    /// The process, ready or not.
    private(set) var process: WorkerProcess?
    /// What the process said of itself when it was ready.
    private(set) var info: WorkerInfo?
    /// Ends without order in a row, and what the last one was.
    private(set) var failures = 0
    private(set) var reason: String?
    /// Before this nobody is started.
    private(set) var notBefore: Time?

    private(set) var started: Time?
    private var lastSign: Time?
    private var lastWork: (count: UInt64, since: Time)?
    private(set) var turn: JobID?
    private var turnSince: Time?
    /// Whether jobs are finished and no new ones given, since somebody wants the memory back.
    var isLeaving = false

    private static let firstDelay = 0.25
    private static let longestDelay = 30.0
    /// A worker that lived this long was not broken from the start.
    private static let soundLife = Duration.seconds(60)

    /// The process once it can take orders.
    var ready: WorkerProcess? { info == nil ? nil : process }

    mutating func hold(_ process: WorkerProcess, at now: Time) {
        self.process = process
        info = nil
        started = now
        lastSign = now
        lastWork = nil
        turn = nil
        turnSince = nil
        isLeaving = false
    }

    mutating func becameReady(_ info: WorkerInfo, at now: Time) {
        self.info = info
        lastSign = now
    }

    mutating func heard(at now: Time) { lastSign = now }

    /// Takes a heartbeat; false when the counter went backwards, which no honest one does.
    mutating func beat(work: UInt64, at now: Time) -> Bool {
        lastSign = now
        if let lastWork, work < lastWork.count { return false }
        if lastWork?.count != work { lastWork = (work, now) }
        return true
    }

    /// Notes whose slices are carried out; returns who had the turn, and for how many seconds.
    mutating func turned(to job: JobID?, at now: Time) -> (job: JobID, seconds: Double)? {
        defer {
            turn = job
            turnSince = now
            // A new turn begins to count as standing still from here.
            if let lastWork { self.lastWork = (lastWork.count, now) }
        }
        guard let turn, let turnSince else { return nil }
        return (turn, (now - turnSince) / .seconds(1))
    }

    /// Takes the seconds since the turn was last charged.
    mutating func charge(at now: Time) -> (job: JobID, seconds: Double)? {
        guard let turn, let turnSince else { return nil }
        self.turnSince = now
        return (turn, (now - turnSince) / .seconds(1))
    }

    /// Why the worker has to be killed now, if it has.
    func stall(at now: Time, _ limits: Dispatcher.Settings) -> String? {
        guard process != nil, let started, let lastSign else { return nil }
        if info == nil { return now - started > limits.readyTime ? "it was not ready in time" : nil }
        if now - lastSign > limits.silence { return "it gave no sign of life for \(limits.silence)" }
        guard turn != nil, let since = max(lastWork?.since ?? started, turnSince ?? started) as Time? else {
            return nil
        }
        return now - since > limits.standstill ? "its work stood still for \(limits.standstill)" : nil
    }

    /// After a pause of this process itself nobody can be blamed for silence.
    mutating func forgive(at now: Time) {
        lastSign = now
        if let lastWork { self.lastWork = (lastWork.count, now) }
        turnSince = turnSince.map { _ in now }
        started = started.map { _ in now }
    }

    /// Lets the process go. One that ended without order delays the next, the longer the more often it happens.
    mutating func release(failure: String?, at now: Time) {
        if let started, now - started > Self.soundLife { failures = 0 }
        let wasReady = info != nil
        process = nil
        info = nil
        turn = nil
        turnSince = nil
        isLeaving = false
        guard let failure else { return }
        failed(failure, wasReady: wasReady, at: now)
    }

    /// Notes that no process could be had, or that it ended without order.
    mutating func failed(_ failure: String, wasReady: Bool = false, at now: Time) {
        failures += 1
        reason = failure
        // One death of a worker that had come up may be the doing of its job.
        let steps = wasReady ? failures - 2 : failures - 1
        guard steps >= 0 else { return }
        var delay = Self.firstDelay
        for _ in 0..<min(steps, 10) { delay *= 2 }
        notBefore = now + .seconds(min(delay, Self.longestDelay))
    }

    /// A job came to its end: the worker is worth its place.
    mutating func succeeded() {
        failures = 0
        reason = nil
        notBefore = nil
    }

    /// What people are told while nothing can run.
    func complaint(at now: Time) -> String? {
        guard info == nil, failures > 0, let reason else { return nil }
        return "The worker cannot run: \(reason). It is started again and again, with pauses of up to half a minute."
    }
}
