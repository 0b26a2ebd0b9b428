import Engine
import Testing
import Vocabulary

/// Whose slice is next, as a pure function.
@Suite struct ScheduleTests {
    private func ticket(_ name: String, uid: UInt32 = 0, priority: Int = 0) -> Ticket {
        Ticket(job: JobID(name), uid: uid, priority: priority)
    }

    /// The names of the next turns, each charged with a second.
    private func turns(_ count: Int, _ schedule: inout Schedule, dear: Set<JobID> = []) -> String {
        (0..<count).map { _ in
            guard let job = schedule.turn(dear: dear) else { return "-" }
            schedule.charge(job, seconds: 1)
            return job.rawValue
        }.joined()
    }

    @Test func `nobody waits, nobody has a turn`() {
        var schedule = Schedule()
        #expect(schedule.isEmpty && schedule.turn() == nil)
        schedule.charge(JobID("a"), seconds: 1)
        schedule.remove(JobID("a"))
        schedule.prioritise(JobID("a"), 3)
        #expect(schedule.turn() == nil)
    }

    @Test func `users take turns, however many jobs each has`() {
        var schedule = Schedule()
        for name in ["a", "b", "c", "d"] { schedule.admit(ticket(name, uid: 1)) }
        schedule.admit(ticket("z", uid: 2))
        let order = turns(8, &schedule)
        #expect(order.filter { $0 == "z" }.count == 4)
        #expect(order == "azbzczdz")
    }

    @Test func `a higher priority goes first, and a change of it counts at once`() {
        var schedule = Schedule()
        schedule.admit(ticket("a"))
        schedule.admit(ticket("b", priority: 1))
        #expect(turns(3, &schedule) == "bbb")
        schedule.prioritise(JobID("a"), 2)
        #expect(turns(2, &schedule) == "aa")
        schedule.remove(JobID("a"))
        #expect(turns(1, &schedule) == "b")
    }

    @Test func `a job that comes later gets its slices between those of a long one`() {
        var schedule = Schedule()
        schedule.admit(ticket("l", uid: 1))
        _ = turns(100, &schedule)
        schedule.admit(ticket("s", uid: 1))
        #expect(turns(4, &schedule) == "ssss")
        schedule.admit(ticket("t", uid: 2))
        #expect(turns(2, &schedule).contains("t"))
    }

    @Test func `jobs of the resident model come first, but not for ever`() {
        var schedule = Schedule(patience: 10)
        schedule.admit(ticket("d"))
        schedule.admit(ticket("r"))
        let order = turns(40, &schedule, dear: [JobID("d")])
        #expect(order.hasPrefix("rrrrrrrrrr"))
        #expect(order.contains("d"))
        let longest = order.split(separator: "d").map(\.count).max() ?? 0
        #expect(longest <= 11)
    }

    @Test func `who was away has no claim to the time that others had`() {
        var schedule = Schedule()
        schedule.admit(ticket("a", uid: 1))
        _ = turns(1000, &schedule)
        schedule.admit(ticket("b", uid: 2))
        let order = turns(20, &schedule)
        #expect(order.filter { $0 == "a" }.count >= 9)
    }

    /// Random scripts of arrivals, departures, priorities and slices.
    @Test(arguments: 1...40) func `in every script somebody has the turn, it is one who waits, and none starves`(
        seed: UInt64
    ) {
        var generator = Generator(state: seed)
        let patience = 20.0
        var schedule = Schedule(patience: patience)
        var present: [JobID: Ticket] = [:]
        var waits: [JobID: Double] = [:]
        var clock = 0.0
        for number in 0..<600 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0 where present.count < 12, 1 where present.count < 12:
                let ticket = ticket(
                    "\(number)", uid: UInt32.random(in: 0..<4, using: &generator),
                    priority: Int.random(in: -2...2, using: &generator))
                schedule.admit(ticket)
                present[ticket.job] = ticket
                waits[ticket.job] = clock
            case 2:
                if let job = present.keys.min(by: { $0.rawValue < $1.rawValue }), present.count > 3 {
                    schedule.remove(job)
                    present[job] = nil
                    waits[job] = nil
                }
            case 3:
                if let job = present.keys.max(by: { $0.rawValue < $1.rawValue }) {
                    let priority = Int.random(in: -2...2, using: &generator)
                    schedule.prioritise(job, priority)
                    present[job]?.priority = priority
                }
            default:
                let dear = Set(present.keys.filter { _ in Bool.random(using: &generator) })
                let job = schedule.turn(dear: dear)
                #expect((job == nil) == present.isEmpty)
                guard let job else { continue }
                #expect(present[job] != nil)
                let isStarving = clock - (waits[job] ?? 0) >= patience
                let highest = present.values.map(\.priority).max()
                #expect(present[job]?.priority == highest || isStarving)
                let seconds = Double.random(in: 0.1...2, using: &generator)
                clock += seconds
                schedule.charge(job, seconds: seconds)
                waits[job] = clock
                // Each rescue lets a tenth of the patience go by, and every one of the others may be rescued before.
                let bound = patience + Double(present.count + 1) * (patience / 10 + 2)
                for (other, since) in waits { #expect(clock - since <= bound, "\(other) waited \(clock - since) s") }
            }
        }
    }
}
