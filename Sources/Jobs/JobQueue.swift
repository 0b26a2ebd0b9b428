package import Vocabulary

/// Seconds of a clock that only goes forward while the machine is awake (CLOCK_MONOTONIC). Nothing that decides uses the
/// wall clock, which may step.
package typealias MachineTime = Double

/// The right to say how a job goes on. It is given with the job and lost with the next one who gets it.
package struct LeaseID: RawRepresentable, Hashable, Sendable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package init(_ text: String) {
        self.init(rawValue: text)
    }

    package static func random() -> LeaseID {
        LeaseID(String(UInt64.random(in: .min ... .max), radix: 16))
    }
}

/// What a policy may look at when it chooses who is next.
package struct WaitingJob: Sendable, Equatable {
    package var id: JobID
    package var uid: UInt32
    package var priority: Int
    /// Smaller is older.
    package var sequence: Int64

    package init(id: JobID, uid: UInt32, priority: Int, sequence: Int64) {
        self.id = id
        self.uid = uid
        self.priority = priority
        self.sequence = sequence
    }
}

/// A job with the right to carry it out.
package struct ClaimedJob: Sendable, Equatable {
    package var job: JobRecord
    package var lease: LeaseID
    /// From where it can go on.
    package var checkpoint: CheckpointRecord?
    /// Files that the checkpoint presumes; they are staged.
    package var outputs: [Output]
    /// Names of the blobs that the job reads.
    package var inputs: [Blob]
}

/// How the work on a job ended.
package enum Ending: Sendable, Equatable {
    /// With files that are in their places. `result` is JSON.
    case succeeded(result: String, outputs: [Output])
    /// `error` is JSON.
    case failed(error: String)
    case cancelled
    /// Handed back: waits again, and the attempt does not count.
    case interrupted
    /// The worker died of it, or seems to have; waits again, or fails with `error` after its last attempt.
    case lost(error: String)
}

/// The queue as whoever carries jobs out sees it: SQLite here, and what comes from several machines could be another one.
package protocol JobQueue: Sendable {
    /// Starts the waiting job that the policy chooses and leases it until `end`; nil when it chooses none.
    ///
    /// Jobs whose lease ran out before `now` wait again first.
    func claim(
        now: MachineTime, until end: MachineTime, at time: Double,
        choose: @escaping @Sendable ([WaitingJob]) -> JobID?
    ) async throws(JournalError) -> ClaimedJob?

    /// Prolongs leases; those that were given on are left out.
    func heartbeat(_ leases: [LeaseID], until end: MachineTime) async throws(JournalError)

    /// Records from where the job can go on and the files that are staged by then; both stay until the next one.
    func checkpoint(_ lease: LeaseID, _ point: CheckpointRecord, outputs: [Output]) async throws(JournalError)

    /// Ends the work. `warnings` is JSON.
    func finish(
        _ lease: LeaseID, _ ending: Ending, warnings: String, at time: Double
    ) async throws(JournalError) -> JobRecord
}
