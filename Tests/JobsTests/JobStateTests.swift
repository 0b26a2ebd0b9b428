import Jobs
import Testing
import Vocabulary

@Suite struct JobStateTests {
    /// The whole table for a first attempt: every pair that is not here is refused.
    private static let allowed: [JobState: [JobState.Event: JobState]] = [
        .queued: [.started: .running, .failed: .failed, .cancelled: .cancelled],
        .running: [
            .succeeded: .succeeded, .failed: .failed, .cancelled: .cancelled, .interrupted: .queued, .lost: .queued,
        ],
    ]

    @Test(arguments: JobState.allCases, JobState.Event.allCases)
    func `only the table's transitions exist`(state: JobState, event: JobState.Event) throws {
        if let next = Self.allowed[state]?[event] {
            #expect(try state.after(event, attempts: 1) == next)
        } else {
            #expect(throws: JobStateError.self) { try state.after(event, attempts: 1) }
        }
    }

    @Test func `the last lost attempt fails the job`() throws {
        #expect(try JobState.running.after(.lost, attempts: JobState.maximumAttempts - 1) == .queued)
        #expect(try JobState.running.after(.lost, attempts: JobState.maximumAttempts) == .failed)
    }

    @Test(arguments: JobState.allCases)
    func `a final state allows nothing`(state: JobState) {
        let exits = JobState.Event.allCases.filter { (try? state.after($0, attempts: 1)) != nil }
        #expect(exits.isEmpty == state.isFinal)
    }
}
