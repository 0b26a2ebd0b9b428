import API
import Foundation
import JSON
import Testing
import UnixHTTP
import Vocabulary

/// The real worker with the default model, struck at random moments. How often, the environment says:
/// `LAZULI_KILL_POINTS`, `LAZULI_CANCELS` and `LAZULI_MIXED`.
@Suite(.serialized) struct SurvivalTests {
    private static func count(_ name: String, _ standard: Int) -> Int {
        Int(ProcessInfo.processInfo.environment[name] ?? "") ?? standard
    }

    /// The jobs of a round: drawings of several lengths, and facts of pictures.
    private static func bodies(_ blob: String, longest: Int) -> [JSON] {
        let drawings: [JSON] = [(5, 1), (20, 1), (longest, 1), (12, 2)].enumerated().map { number, sizes in
            .object([
                "prompt": .string("a red apple"), "steps": .int(sizes.0), "count": .int(sizes.1), "seed": .int(number),
                "precision": .string("f32"),
            ])
        }
        return drawings + [.object(["kind": .string("describe"), "image": .string(blob)])]
    }

    private static func picture() throws -> [UInt8] {
        Array(
            try Data(
                contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appendingPathComponent("../../models/lazuli-mini/world.jpg")))
    }

    /// What a job made: its files, else its result.
    private func product(_ daemon: RunningDaemon, _ job: JobStatus) throws -> [[UInt8]] {
        job.outputs.isEmpty ? [job.result?.text() ?? []] : try job.outputs.map { try daemon.output($0) }
    }

    private func undisturbed(_ daemon: RunningDaemon, longest: Int) throws -> [[[UInt8]]] {
        let blob = try daemon.upload(Self.picture())
        return try Self.bodies(blob.sha256, longest: longest).map { body in
            let done = try daemon.result(try daemon.submit(body).id)
            #expect(done.state == .succeeded)
            return try product(daemon, done)
        }
    }

    /// Ends whatever is to be killed and starts what is not there any more.
    private func strike(_ daemon: RunningDaemon, _ kind: Int) throws {
        if kind != 1, let worker = try daemon.status().worker { kill(Int32(worker.pid), SIGKILL) }
        if kind != 0 {
            _ = daemon.stop(SIGKILL)
            try daemon.start()
        }
    }

    @Test func `killed at any moment, every job ends once and with the same bytes`() throws {
        let points = Self.count("LAZULI_KILL_POINTS", 12)
        let daemon = try RunningDaemon(["--queue-limit-per-user", "1000", "--history", "100000"], isReal: true)
        // A checkpoint is made after two seconds; a quick run has no job as long.
        let longest = points < 100 ? 60 : 1000
        let expected = try undisturbed(daemon, longest: longest)
        let blob = try daemon.upload(Self.picture())
        let bodies = Self.bodies(blob.sha256, longest: longest)
        var random = Generator(seed: 11)
        var struck = 0
        var submitted: [JobID: Int] = [:]
        var resumed = 0
        while struck < points {
            var ids: [JobID] = []
            for (number, body) in bodies.enumerated() {
                let id = try daemon.submit(body).id
                ids.append(id)
                submitted[id] = number
            }
            for _ in 0..<(points < 100 ? 4 : 16) where struck < points {
                usleep(UInt32.random(in: 0...(points < 100 ? 700_000 : 2_000_000), using: &random))
                try strike(daemon, Int.random(in: 0..<3, using: &random))
                struck += 1
            }
            for id in ids {
                try wait("the end of \(id)", seconds: 120) { try daemon.job(id).state.isFinal }
                let done = try daemon.job(id)
                let number = try #require(submitted[id])
                if done.error?.code == "poison" {
                    // Three kills before the first checkpoint are the job's fault as far as anybody can know.
                    #expect(done.attempts == 3)
                    continue
                }
                #expect(done.state == .succeeded, "\(String(describing: done.error))")
                #expect(try product(daemon, done) == expected[number], "job \(number)")
                try wait("the tidying") { (daemon.files(id) ?? []).count == done.outputs.count }
            }
        }
        for line in daemon.log.split(separator: "\n") where line.contains("job started") {
            guard let from = line.split(separator: " ").first(where: { $0.hasPrefix("from=") }) else { continue }
            if from != "from=0" { resumed += 1 }
        }
        let jobs = try daemon.jobs()
        // None lost, none twice.
        #expect(Set(submitted.keys).isSubset(of: Set(jobs.map(\.id))))
        #expect(jobs.count == submitted.count + bodies.count)
        print("kill points \(struck), jobs \(submitted.count), resumed from a checkpoint \(resumed)")
    }

    @Test func `a drawing that was struck late goes on from its checkpoint and ends with the same bytes`() throws {
        let daemon = try RunningDaemon(isReal: true)
        let body = JSON.object(["prompt": .string("a red apple"), "steps": .int(600), "seed": .int(4)])
        let whole = try product(daemon, daemon.result(daemon.submit(body).id))
        let job = try daemon.submit(body)
        try wait("a checkpoint") {
            (daemon.files(job.id) ?? []).contains { $0.hasPrefix(".checkpoint-") && !$0.hasSuffix(".part") }
        }
        usleep(300_000)
        try strike(daemon, 2)
        let done = try daemon.result(job.id)
        #expect(try product(daemon, done) == whole)
        let starts = daemon.log.split(separator: "\n").filter {
            $0.contains("job=\(job.id)") && $0.contains("job started")
        }
        #expect(starts.count == 2)
        #expect(starts.last?.contains("from=0 ") == false)
    }

    /// The steps of a job's life that `--fault` names.
    private static let steps = [
        "stage.write", "stage.written", "publish.rename", "publish.renamed", "publish.fsync", "publish.synchronised",
        "checkpoint.write", "checkpoint.rename", "checkpoint.fsync", "checkpoint.synchronised", "commit.before",
        "commit.after",
    ]

    @Test(arguments: steps)
    func `a death at a durable step costs no job and no byte`(step: String) throws {
        let daemon = try RunningDaemon()
        let whole = try daemon.result(try daemon.submit("keep early", steps: 6, count: 2).id)
        let expected = try product(daemon, whole)
        for passing in 1...2 {
            _ = daemon.stop(SIGTERM)
            try daemon.start(["--fault", "\(step):\(passing)"])
            let id = try daemon.submit("keep early", steps: 6, count: 2).id
            _ = try? daemon.submit("keep early", steps: 6, count: 2)
            try wait("the death at \(step):\(passing)") { !daemon.process.isRunning }
            _ = daemon.end()
            try daemon.start()
            let done = try daemon.result(id)
            #expect(done.state == .succeeded, "\(step):\(passing)")
            #expect(try product(daemon, done) == expected, "\(step):\(passing)")
            #expect(daemon.files(id)?.sorted() == ["0.png", "1.png"])
        }
        let all = try daemon.jobs()
        for job in all { #expect(try daemon.result(job.id).state == .succeeded) }
    }

    @Test(arguments: steps.filter { !$0.hasPrefix("commit") })
    func `a full disk at a durable step fails the job at most, and says so`(step: String) throws {
        let daemon = try RunningDaemon(["--fault", "\(step):1:28"])
        let done = try daemon.result(try daemon.submit("keep early", steps: 6, count: 2).id)
        if step.hasPrefix("checkpoint") {
            #expect(done.state == .succeeded)
        } else {
            #expect(done.state == .failed)
            #expect(done.error?.code == "output_not_written")
            #expect(daemon.files(done.id) == nil)
        }
        let next = try daemon.result(try daemon.submit("keep early", steps: 6, count: 2).id)
        #expect(next.state == .succeeded)
    }

    @Test func `cancels at any moment are prompt and leave nothing`() throws {
        let count = Self.count("LAZULI_CANCELS", 20)
        let daemon = try RunningDaemon(["--history", "100000"], isReal: true)
        var random = Generator(seed: 3)
        var seconds: [Double] = []
        for number in 0..<count {
            let steps = [5, 20, 60, 400].randomElement(using: &random) ?? 5
            let job = try daemon.submit("a red apple", steps: steps, seed: UInt64(number))
            usleep(UInt32.random(in: 0...400_000, using: &random))
            let asked = Date()
            guard (try? daemon.cancel(job.id)) != nil else { continue }
            try wait("the end") { try daemon.job(job.id).state.isFinal }
            seconds.append(Date().timeIntervalSince(asked))
            let state = try daemon.job(job.id).state
            #expect(state == .succeeded || daemon.files(job.id) == nil)
        }
        seconds.sort()
        func percentile(_ part: Double) -> Int { Int(1000 * seconds[Int(Double(seconds.count - 1) * part)]) }
        print(
            "cancels \(seconds.count), p50 \(percentile(0.5)) ms, p99 \(percentile(0.99)) ms, worst \(percentile(1)) ms"
        )
        #expect(try daemon.status().workerDeaths == 0)
    }

    @Test func `mixed jobs of 16 clients are what serial ones are, and nothing grows`() async throws {
        let count = Self.count("LAZULI_MIXED", 48)
        let daemon = try RunningDaemon(["--history", "1000", "--queue-limit-per-user", "1000"], isReal: true)
        let blob = try daemon.upload(Self.picture())
        let bodies: [JSON] =
            (0..<6).map { number in
                .object([
                    "prompt": .string("a red apple"), "steps": .int(1 + number % 3), "seed": .int(number),
                    "width": .int(64), "height": .int(64), "precision": .string("f32"),
                ])
            } + [.object(["kind": .string("describe"), "image": .string(blob.sha256)])]
        let serial = try bodies.map { try product(daemon, daemon.result(daemon.submit($0).id)) }
        let before = try daemon.figures()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<16 {
                group.addTask { try await self.draw(daemon, bodies, serial, client, count) }
            }
            try await group.waitForAll()
        }
        let after = try daemon.figures()
        print("mixed jobs \(count): before \(before), after \(after)")
        #expect(after.descriptors <= before.descriptors + 8)
        #expect(after.threads <= before.threads + 24)
        #expect(after.memory < before.memory + 64 << 20)
        #expect(after.workerMemory < before.workerMemory + 256 << 20)
    }

    /// Every sixteenth job, on a thread that may wait.
    private func draw(
        _ daemon: RunningDaemon, _ bodies: [JSON], _ serial: [[[UInt8]]], _ client: Int, _ count: Int
    ) async throws {
        let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    returning: Result {
                        for number in stride(from: client, to: count, by: 16) {
                            let place = number % bodies.count
                            let done = try daemon.result(daemon.submit(bodies[place]).id)
                            #expect(done.state == .succeeded)
                            #expect(try self.product(daemon, done) == serial[place])
                        }
                    })
            }
        }
        try result.get()
    }
}

/// What a process takes of the machine.
struct Figures: CustomStringConvertible {
    var memory, workerMemory, descriptors, threads: Int

    var description: String {
        "\(memory >> 20) MiB, worker \(workerMemory >> 20) MiB, \(descriptors) descriptors, \(threads) threads"
    }
}

extension RunningDaemon {
    func figures() throws -> Figures {
        func memory(_ pid: Int32) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)
            return try #require(Int(text.split(separator: " ")[1])) * 4096
        }
        func entries(_ folder: String) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/\(folder)").count
        }
        return Figures(
            memory: try memory(process.processIdentifier), workerMemory: try memory(try workerPID()),
            descriptors: try entries("fd"), threads: try entries("task"))
    }
}
