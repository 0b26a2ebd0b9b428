import API
import Foundation
import Testing
import UnixHTTP
import Vocabulary

/// Workers that cannot be had, die early, stand still or say nothing.
@Suite struct WorkerTests {
    @Test(arguments: ["dies", "crash-ready"])
    func `a worker that never works burns no jobs, and the status says why`(habit: String) throws {
        let daemon = try RunningDaemon(habits: habit)
        let jobs = try (0..<6).map { try daemon.submit("job \($0)") }
        try wait("a reason") { try daemon.status().waiting != nil }
        usleep(1_000_000)
        for job in jobs {
            let told = try daemon.job(job.id)
            #expect(told.state == .queued)
            #expect(told.attempts == 0)
        }
        let status = try daemon.status()
        // With back-off, not as fast as processes can be made.
        #expect((2...12).contains(status.workerDeaths))
        try wait("the reason in a job") { try daemon.job(jobs[0].id).waiting?.contains("worker") == true }
        #expect(try daemon.cancel(jobs[0].id).state == .cancelled)
    }

    @Test func `a worker that cannot be spawned for a moment delays the queue and fails nothing`() throws {
        let worker = "/tmp/lazuli-worker-\(UUID().uuidString.prefix(8))"
        defer { unlink(worker) }
        let daemon = try RunningDaemon(["--worker", worker], isReal: true)
        let jobs = try (0..<6).map { try daemon.submit("job \($0)") }
        try wait("a reason") { try daemon.status().waiting?.contains(worker) == true }
        usleep(500_000)
        #expect(try jobs.allSatisfy { try daemon.job($0.id).state == .queued })
        symlink("\(RunningDaemon.products)/FakeWorker", worker)
        for job in jobs {
            let done = try daemon.result(job.id)
            #expect(done.state == .succeeded)
            #expect(done.attempts == 1)
        }
        #expect(try daemon.status().waiting == nil)
    }

    @Test func `a stopped worker stops neither status nor cancel nor the end, and is killed as stalled`() throws {
        let daemon = try RunningDaemon(["--worker-silence", "2", "--cancel-grace", "100"])
        let job = try daemon.submit("slow", steps: 20)
        try daemon.running(job.id)
        let others = try (0..<20).map { try daemon.submit("other \($0)") }
        kill(try daemon.workerPID(), SIGSTOP)
        let asked = Date()
        for _ in 0..<300 {
            _ = try daemon.prioritise(job.id, 0)
            _ = try daemon.status()
        }
        #expect(try daemon.cancel(others[19].id).state == .cancelled)
        #expect(Date().timeIntervalSince(asked) < 10)
        try wait("the kill") { daemon.log.contains("gave no sign of life") || daemon.log.contains("does not read") }
        // The job goes on with another worker; only it answers.
        let done = try daemon.result(job.id)
        #expect(done.state == .succeeded)
        #expect(done.attempts == 2)
        #expect(try daemon.result(others[0].id).attempts == 1)
        kill(try daemon.workerPID(), SIGSTOP)
        let stopped = Date()
        #expect(daemon.stop(SIGTERM) == 0)
        #expect(Date().timeIntervalSince(stopped) < 6)
    }

    @Test func `a job on which no worker gets on is given up as stalled`() throws {
        let daemon = try RunningDaemon(["--worker-standstill", "1"])
        let done = try daemon.result(try daemon.submit("stuck").id)
        #expect(done.state == .failed)
        #expect(done.attempts == 3)
        #expect(done.error?.code == "stalled")
        #expect(try daemon.result(try daemon.submit("next").id).state == .succeeded)
    }

    @Test func `a job that leaves checkpoints survives any number of deaths and makes no step twice`() throws {
        let daemon = try RunningDaemon()
        let whole = try daemon.result(try daemon.submit("slow keep a", steps: 12).id)
        let job = try daemon.submit("slow keep a", steps: 12)
        for step in [2, 4, 6, 8, 10] {
            try wait("step \(step)") { try (daemon.job(job.id).progress?.step ?? 0) >= step }
            kill(try daemon.workerPID(), SIGKILL)
        }
        let done = try daemon.result(job.id)
        #expect(done.state == .succeeded)
        #expect(done.attempts == 1)
        #expect(try daemon.output(done.outputs[0]) == daemon.output(whole.outputs[0]))
        #expect(daemon.files(job.id) == ["0.png"])
    }

    @Test func `a listing of any length comes whole, and a worker without answers is said so`() throws {
        let daemon = try RunningDaemon(habits: "many-models:2345")
        let models: Listing<ModelInfo> = try daemon.ask("GET", "/v1/models")
        #expect(Set(models.data.map(\.id)).count == 2345)
        let quiet = try RunningDaemon(habits: "dies")
        let refusal = try refusal { () throws -> Listing<ModelInfo> in try quiet.ask("GET", "/v1/models") }
        #expect(refusal.status == 503)
        #expect(refusal.body.code == "worker_unavailable")
    }

    @Test func `what the worker refuses, or what never fits, is refused with its reason`() throws {
        let daemon = try RunningDaemon()
        #expect(try refusal { try daemon.submit("refuse") }.body.code == "refused")
        let huge = try refusal { try daemon.submit("huge") }
        #expect(huge.status == 400)
        #expect(huge.body.code == "too_large")
        #expect(huge.body.message.contains("\(2 << 30)") && huge.body.message.contains("\(1 << 30)"))
        #expect(try daemon.jobs().isEmpty)
    }
}
