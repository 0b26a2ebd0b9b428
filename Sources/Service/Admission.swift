import Glibc
import Jobs
import Vocabulary

/// Which waiting job goes to the worker next. Pure: no clock, no journal.
///
/// The worker divides its time among the jobs it has, so a job that is there is as good as started. `places` are for
/// everybody. Above them, a bounded number is let in that must not wait behind others: the first job of a user who has none
/// there, and jobs of a higher priority than all that are there.
struct Admission {
    var places = 8
    var extra = 8

    /// A job that is with the worker.
    struct Present {
        var uid: UInt32
        var priority: Int
    }

    func next(waiting: [WaitingJob], present: [Present], served: [UInt32: Double]) -> JobID? {
        guard present.count < places + extra else { return nil }
        var candidates = waiting
        if present.count >= places {
            let users = Set(present.map(\.uid))
            let highest = present.map(\.priority).max() ?? .min
            candidates = waiting.filter { !users.contains($0.uid) || $0.priority > highest }
        }
        // Priority, then the least served user, then age.
        var load = served
        for job in present { load[job.uid, default: 0] += Self.promise }
        return candidates.min { one, other in
            if one.priority != other.priority { return one.priority > other.priority }
            let (a, b) = (load[one.uid] ?? 0, load[other.uid] ?? 0)
            return a != b ? a < b : one.sequence < other.sequence
        }?.id
    }

    /// Seconds of service that a job which is with the worker counts as already, so that users alternate.
    private static let promise = 1000.0
}

/// Seconds of the worker that each user had, halved every few minutes: who had none for a while starts afresh.
struct Shares {
    private var seconds: [UInt32: Double] = [:]
    private var last = SuspendingClock.now

    private static let halfLife = 300.0

    mutating func charge(_ uid: UInt32, _ amount: Double, at now: SuspendingClock.Instant) {
        fade(to: now)
        seconds[uid, default: 0] += amount
    }

    mutating func served(at now: SuspendingClock.Instant) -> [UInt32: Double] {
        fade(to: now)
        return seconds
    }

    private mutating func fade(to now: SuspendingClock.Instant) {
        let factor = exp2(-((now - last) / .seconds(1)) / Self.halfLife)
        last = now
        seconds = seconds.mapValues { $0 * factor }.filter { $0.value > 0.01 }
    }
}
