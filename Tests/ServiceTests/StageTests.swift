import API
import Foundation
import JSON
import Testing
import UnixHTTP
import Vocabulary

/// Cancel, pause, resume and priority wherever a job is.
@Suite struct StageTests {
    /// Brings a job of a busy daemon to a stage: waiting, at the worker and waiting there, loading, in its steps, final.
    private enum Place: String, CaseIterable { case waiting, behind, loading, stepping, final }

    private func job(_ daemon: RunningDaemon, _ place: Place) throws -> JobID {
        switch place {
        case .waiting:
            for _ in 0..<8 { _ = try daemon.submit("slow", steps: 100, priority: 5) }
            try wait("eight jobs") { try daemon.status().running == 8 }
            return try daemon.submit("slow", steps: 5).id
        case .behind:
            let first = try daemon.submit("slow", steps: 100, priority: 5)
            try daemon.running(first.id)
            return try daemon.submit("slow", steps: 5).id
        case .loading: return try daemon.submit("slow", steps: 5).id
        case .stepping:
            let job = try daemon.submit("slow keep", steps: 8)
            try daemon.running(job.id)
            return job.id
        case .final: return try daemon.result(try daemon.submit("quick").id).id
        }
    }

    @Test func `cancel ends a job at every stage and leaves nothing`() throws {
        for place in Place.allCases where place != .final {
            let daemon = try RunningDaemon()
            let id = try job(daemon, place)
            _ = try daemon.cancel(id)
            #expect(try daemon.result(id).state == .cancelled, "\(place)")
            #expect(daemon.files(id) == nil, "\(place)")
            #expect(try daemon.status().workerDeaths == 0)
        }
    }

    @Test func `pause holds a job at every stage, and resume lets it go on without an attempt`() throws {
        for place in Place.allCases where place != .final {
            let daemon = try RunningDaemon()
            let id = try job(daemon, place)
            #expect(try daemon.pause(id).paused)
            try wait("the pause, \(place)") { try daemon.job(id).state == .queued }
            for other in try daemon.jobs() where other.id != id { _ = try daemon.cancel(other.id) }
            usleep(300_000)
            let held = try daemon.job(id)
            #expect(held.state == .queued && held.paused && held.position == nil && held.attempts == 0, "\(place)")
            #expect(try !daemon.resume(id).paused)
            let done = try daemon.result(id)
            #expect(done.state == .succeeded, "\(place)")
            #expect(done.attempts == 1, "\(place)")
        }
    }

    @Test func `a final job cannot be changed`() throws {
        let daemon = try RunningDaemon()
        let id = try job(daemon, .final)
        for change in [daemon.cancel, daemon.pause, daemon.resume, { try daemon.prioritise($0, 1) }] {
            let refusal = try refusal { try change(id) }
            #expect(refusal.status == 409)
            #expect(refusal.body.code == "job_succeeded")
        }
    }

    @Test func `priority moves a job at every stage`() throws {
        for place in [Place.waiting, .behind] {
            let daemon = try RunningDaemon()
            let id = try job(daemon, place)
            #expect(try daemon.prioritise(id, 10).priority == 10)
            // Those before it would take 20 s each.
            let asked = Date()
            #expect(try daemon.result(id).state == .succeeded, "\(place)")
            #expect(Date().timeIntervalSince(asked) < 8, "\(place)")
        }
    }
}
