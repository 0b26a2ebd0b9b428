package import Vocabulary

/// A job that wants slices.
package struct Ticket: Sendable, Equatable {
    package var job: JobID
    /// Whose job it is.
    package var uid: UInt32
    package var priority: Int

    package init(job: JobID, uid: UInt32, priority: Int = 0) {
        self.job = job
        self.uid = uid
        self.priority = priority
    }
}

/// Whose slice is next. Pure: its clock is the sum of what it was told to charge.
///
/// The highest priority first; among those the user who was served least, of that user's jobs the one that was served
/// least, of equal ones the oldest. Jobs that would push another model out of memory come after those that would not.
/// A job that has waited for `patience` seconds of others' slices gets one out of turn, but no two such within a tenth of
/// that: many patient jobs must not overturn the order.
package struct Schedule: Sendable {
    private struct Entry: Sendable {
        var ticket: Ticket
        /// Number of the ticket.
        var age: Int
        /// Seconds that the job has had.
        var served = 0.0
        /// When it last had a slice, or came.
        var waitsSince: Double
    }

    private let patience: Double
    private var entries: [JobID: Entry] = [:]
    /// Seconds that users have had; what a user had before others came does not count against them.
    private var served: [UInt32: Double] = [:]
    private var clock = 0.0
    private var lastRescue: Double
    private var tickets = 0

    package init(patience: Double = 60) {
        self.patience = patience
        lastRescue = -patience
    }

    package var isEmpty: Bool { entries.isEmpty }

    package mutating func admit(_ ticket: Ticket) {
        guard entries[ticket.job] == nil else { return }
        if !entries.values.contains(where: { $0.ticket.uid == ticket.uid }) {
            let active = Set(entries.values.map(\.ticket.uid))
            let least = active.compactMap { served[$0] }.min() ?? 0
            // Who was away does not come back with a claim to all the time that the others had.
            served[ticket.uid] = active.isEmpty ? 0 : max(served[ticket.uid] ?? 0, least)
            served = served.filter { active.contains($0.key) || $0.key == ticket.uid || $0.value > least }
        }
        tickets += 1
        entries[ticket.job] = Entry(ticket: ticket, age: tickets, waitsSince: clock)
    }

    package mutating func remove(_ job: JobID) { entries[job] = nil }

    package mutating func prioritise(_ job: JobID, _ priority: Int) { entries[job]?.ticket.priority = priority }

    /// Notes that a job had a slice of some seconds.
    package mutating func charge(_ job: JobID, seconds: Double) {
        clock += seconds
        guard let entry = entries[job] else { return }
        if starved(entry, at: clock - seconds) { lastRescue = clock }
        entries[job]?.served += seconds
        entries[job]?.waitsSince = clock
        served[entry.ticket.uid, default: 0] += seconds
    }

    /// The job whose slice is next; `dear` are those that would push parts out of memory.
    package func turn(dear: Set<JobID> = []) -> JobID? {
        let starving = entries.values.filter { starved($0, at: clock) }
        if let longest = starving.min(by: { ($0.waitsSince, $0.age) < ($1.waitsSince, $1.age) }) {
            return longest.ticket.job
        }
        guard let highest = entries.values.map(\.ticket.priority).max() else { return nil }
        var candidates = entries.values.filter { $0.ticket.priority == highest }
        let cheap = candidates.filter { !dear.contains($0.ticket.job) }
        if !cheap.isEmpty { candidates = cheap }
        return candidates.min { order($0) < order($1) }?.ticket.job
    }

    private func order(_ entry: Entry) -> (Double, Double, Int) {
        (served[entry.ticket.uid] ?? 0, entry.served, entry.age)
    }

    private func starved(_ entry: Entry, at time: Double) -> Bool {
        time - entry.waitsSince >= patience && time - lastRescue >= patience / 10
    }
}
