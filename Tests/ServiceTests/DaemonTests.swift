import API
import Digests
import Foundation
import JSON
import Testing
import UnixHTTP
import Vocabulary

@Suite struct DaemonTests {
    @Test func `a job runs from the submission over its events to the files`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("a red apple warn", count: 2)
        #expect(job.request?["seed"]?.asUInt64 == 1)
        var stages: [Stage] = []
        var warnings: [String] = []
        var first: JobEvent?
        let done = try #require(
            try daemon.follow(job.id) { event in
                first = first ?? event
                if case .progress(let progress) = event { stages.append(progress.stage) }
                if case .warning(let message) = event { warnings.append(message) }
            })
        guard case .state = first else {
            Issue.record("the first event was \(String(describing: first))")
            return
        }
        #expect(stages.last == .denoise)
        #expect(done.state == .succeeded)
        #expect(done.warnings == ["This is a test."])
        #expect(done.result?["parameters"] == job.request)
        #expect(done.outputs.map(\.seed) == [1, 2])
        for output in done.outputs {
            let bytes = try daemon.output(output)
            #expect(String(decoding: bytes, as: UTF8.self) == "png of a red apple warn, seed \(output.seed ?? 0)")
            #expect(SHA256.hexadecimal(of: bytes) == output.sha256)
            #expect(bytes.count == output.bytes)
        }
        // Late listeners and pollers get the same.
        #expect(try daemon.result(job.id) == done)
        var told = try daemon.job(job.id)
        #expect(told.request == job.request)
        told.request = nil
        #expect(told == done)
        #expect(try daemon.jobs() == [done])
    }

    @Test func `a killed worker costs an attempt, and the daemon answers on`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("slow", steps: 5)
        try daemon.running(job.id)
        kill(try daemon.workerPID(), SIGKILL)
        let done = try daemon.result(job.id)
        #expect(done.state == .succeeded)
        #expect(done.attempts == 2)
        #expect(try daemon.status().workerDeaths == 1)
        #expect(try daemon.result(try daemon.submit("next").id).state == .succeeded)
    }

    @Test func `a job that kills every worker is given up with the reason, and the next one succeeds`() throws {
        let daemon = try RunningDaemon()
        let done = try daemon.result(try daemon.submit("crash").id)
        #expect(done.state == .failed)
        #expect(done.attempts == 3)
        #expect(done.error?.code == "poison")
        #expect(done.error?.message.contains("worker_died: signal 9") == true)
        #expect(try daemon.result(try daemon.submit("next").id).state == .succeeded)
    }

    @Test func `previews are told as they come`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("slow show", steps: 4)
        var shown: [Preview] = []
        let result = try daemon.follow(job.id) { if case .preview(let preview) = $0 { shown.append(preview) } }
        #expect(result?.state == .succeeded)
        #expect(!shown.isEmpty && shown.map(\.step) == shown.map(\.step).sorted() && shown.allSatisfy { $0.steps == 4 })
    }

    @Test func `a failure tells stage and step and leaves no file`() throws {
        let daemon = try RunningDaemon()
        for (prompt, code) in [("fail", "not_finite"), ("silent", "outputs_missing")] {
            let done = try daemon.result(try daemon.submit(prompt).id)
            #expect(done.state == .failed)
            #expect(done.error?.code == code)
            #expect(done.outputs.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: "\(daemon.folder)/state/outputs/\(done.id)"))
        }
        #expect(try daemon.status().workerDeaths == 0)
    }

    @Test func `cancel has four answers`() throws {
        let daemon = try RunningDaemon()
        let running = try daemon.submit("slow", steps: 100)
        // The worker has as many jobs as it takes at once, so that the next one waits.
        for _ in 0..<7 { _ = try daemon.submit("slow", steps: 100) }
        try wait("eight jobs at the worker") { try daemon.status().running == 8 }
        let queued = try daemon.submit("later")
        #expect(queued.position == 0)
        try daemon.running(running.id)

        #expect(try daemon.cancel(queued.id).state == .cancelled)
        #expect(try daemon.cancel(running.id).state == .running)
        let asked = Date()
        #expect(try daemon.result(running.id).state == .cancelled)
        #expect(Date().timeIntervalSince(asked) < 2)
        for (id, status, code) in [
            (running.id, 409, "job_cancelled"), (JobID("nosuchjob0000"), 404, "unknown_job"),
        ] {
            let refusal = try refusal { try daemon.cancel(id) }
            #expect(refusal.status == status)
            #expect(refusal.body.code == code)
        }
        #expect(try daemon.status().workerDeaths == 0)
    }

    @Test func `a worker that does not hear a cancel is killed after the grace time`() throws {
        let daemon = try RunningDaemon(["--cancel-grace", "1"])
        let job = try daemon.submit("slow deaf", steps: 100)
        try daemon.running(job.id)
        _ = try daemon.cancel(job.id)
        #expect(try daemon.result(job.id).state == .cancelled)
        #expect(try daemon.job(job.id).attempts == 1)
    }

    @Test func `after a kill the queue goes on in its order, and the running job counts an attempt`() throws {
        let daemon = try RunningDaemon()
        let running = try daemon.submit("slow", steps: 5)
        let waiting = try (1...3).map { try daemon.submit("waiting \($0)") }
        try daemon.running(running.id)
        let worker = try daemon.workerPID()
        _ = daemon.stop(SIGKILL)
        // The worker does not outlive its daemon.
        try wait("the worker's end") { kill(worker, 0) != 0 || isZombie(worker) }
        try daemon.start()
        let done = try ([running] + waiting).map { try daemon.result($0.id) }
        #expect(done.map(\.state) == [.succeeded, .succeeded, .succeeded, .succeeded])
        #expect(done[0].attempts == 2)
        #expect(done.compactMap(\.started) == done.compactMap(\.started).sorted())
    }

    @Test func `a stop in good order is prompt and costs no attempt`() throws {
        let daemon = try RunningDaemon()
        let job = try daemon.submit("slow", steps: 10)
        try daemon.running(job.id)
        // Clients that would hold a server: one says nothing, one stops in its body, one listens.
        let silent = try daemon.connect("")
        let halted = try daemon.connect("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        let listener = try daemon.connect("GET /v1/jobs/\(job.id)/events HTTP/1.1\r\nHost: x\r\n\r\n")
        defer { withExtendedLifetime([silent, halted, listener]) {} }
        usleep(100_000)
        let asked = Date()
        #expect(daemon.stop(SIGTERM) == 0)
        #expect(Date().timeIntervalSince(asked) < 5)
        try daemon.start()
        let done = try daemon.result(job.id)
        #expect(done.state == .succeeded)
        #expect(done.attempts == 1)
    }

    @Test func `an idle worker goes and comes back`() throws {
        let daemon = try RunningDaemon(["--worker-idle", "1"])
        _ = try daemon.result(try daemon.submit("one").id)
        let first = try daemon.workerPID()
        try wait("the worker's end") { try daemon.status().worker == nil }
        _ = try daemon.result(try daemon.submit("two").id)
        #expect(try daemon.workerPID() != first)
        #expect(try daemon.unload().unloaded)
        #expect(try daemon.status().worker == nil)
        #expect(try daemon.status().workerDeaths == 0)
    }

    @Test func `an idle daemon that was told to ends itself`() throws {
        let daemon = try RunningDaemon(["--idle-exit", "1"])
        _ = try daemon.result(try daemon.submit("slow", steps: 8).id)
        usleep(2_500_000)
        #expect(throws: UnixError.unreachable(errno: ENOENT)) { try daemon.status() }
        #expect(!FileManager.default.fileExists(atPath: daemon.client.socket))
    }

    @Test func `a second daemon on the same socket ends with 75 and harms nothing`() throws {
        let daemon = try RunningDaemon()
        let second = Process()
        second.executableURL = URL(fileURLWithPath: "\(RunningDaemon.products)/lazulid")
        second.arguments = ["--socket", daemon.client.socket, "--state-dir", "\(daemon.folder)/other"]
        second.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try second.run()
        second.waitUntilExit()
        #expect(second.terminationStatus == 75)
        #expect(try daemon.result(try daemon.submit("still here").id).state == .succeeded)
    }

    @Test func `socket and state are the user's alone`() throws {
        let daemon = try RunningDaemon()
        _ = try daemon.result(try daemon.submit("one").id)
        for (path, mode) in [
            ("run", 0o700), ("run/l.sock", 0o600), ("state", 0o700), ("state/journal.sqlite", 0o600),
            ("state/outputs", 0o700),
        ] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(daemon.folder)/\(path)")
            #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
        }
    }

    private func isZombie(_ pid: Int32) -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return text.isEmpty || text.contains(") Z ")
    }
}
