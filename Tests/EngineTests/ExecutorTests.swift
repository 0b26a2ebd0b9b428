import API
import Engine
import Foundation
import Images
import JSON
import Kinds
import Pipelines
import Testing
import Vocabulary
import Wire

/// The compute thread: turns, cancels, checkpoints.
@Suite(.serialized, .enabled(if: TestModels.hasLanguageModel, "run `make language-model` first"))
struct ExecutorTests {
    private let workshop = TestModels.workshop

    private func request(steps: Int, seed: UInt64 = 1, _ change: (inout Generate) -> Void = { _ in }) -> Generate {
        var request = Generate(prompt: "a red apple")
        (request.width, request.height, request.steps, request.seed) = (64, 64, steps, seed)
        change(&request)
        return request
    }

    private func order(_ name: String, _ request: Generate, uid: UInt32 = 0, priority: Int = 0, resume: JSON? = nil)
        -> RunOrder
    {
        RunOrder(
            job: JobID(name), kind: Generate.kind, parameters: request.json, uid: uid, priority: priority,
            resume: resume)
    }

    /// Runs `body` beside an executor whose thread ends with it.
    private func withExecutor(
        _ schedule: Schedule = Schedule(), _ body: (Executor, Reports) throws -> Void
    ) throws {
        let reports = Reports()
        let executor = Executor(workshop, reports, schedule: schedule)
        executor.start()
        defer { executor.quit() }
        try body(executor, reports)
    }

    /// The checkpoints of a job in the order of its steps, each with the tensors, by yielding it after every step.
    private func checkpoints(_ request: Generate) throws -> [(facts: JSON, progress: JobProgress, tensors: [UInt8])] {
        var work = try #require(JobKinds.named(Generate.kind)).begin(request.json, [:], nil)
        var found: [(JSON, JobProgress, [UInt8])] = []
        while let slice = work.next {
            try work.advance(Desk(workshop))
            if let point = try work.checkpoint() {
                found.append((point.facts, JobProgress(slice.stage, step: slice.step, of: slice.of), point.tensors))
            }
        }
        return found
    }

    @Test(arguments: [
        "euler", "euler_ancestral", "dpmpp_2m", "dpmpp_sde", "lms", "heun", "uni_pc", "dpmpp_2m_sde", "lcm",
        "euler_cfg_pp",
    ])
    func `a drawing goes on from every checkpoint and ends with the same bytes`(sampler: String) throws {
        let request = request(steps: 4) {
            $0.sampler = sampler
            $0.count = 2
        }
        let whole = try workshop.draw(request).reports.files
        let points = try checkpoints(request)
        #expect(points.count >= 8)
        for point in points {
            try withExecutor { executor, reports in
                executor.run(order("j", request, resume: point.facts), tensors: point.tensors)
                _ = try reports.end(of: JobID("j"))
                // Pictures before the checkpoint are the daemon's already.
                #expect(reports.files == whole.suffix(reports.files.count))
                #expect(!reports.files.isEmpty)
            }
        }
    }

    @Test func `a checkpoint that does not belong, or is cut short, begins the job again`() throws {
        let request = request(steps: 3)
        let whole = try workshop.draw(request).reports.files
        let point = try #require(try checkpoints(request).dropFirst().first)
        let members = try #require(point.facts.asObject)
        var cases: [(JSON?, [UInt8])] = []
        for name in members.keys {
            for other in [JSON.string("other"), .int(-1), .int(0), .int(2), .int(3), .int(Int.max), .null, .array([])]
            where members[name] != other {
                cases.append((.object(members.merging([name: other]) { $1 }), point.tensors))
            }
            cases.append((.object(members.filter { $0.key != name }), point.tensors))
        }
        for length in [0, 1, 7, 8, 9, point.tensors.count / 2, point.tensors.count - 1] {
            cases.append((point.facts, Array(point.tensors.prefix(length))))
        }
        cases.append((point.facts, point.tensors + [0]))
        cases += [(JSON.null, point.tensors), (.array([]), []), (.object([:]), point.tensors)]
        for (facts, tensors) in cases {
            try withExecutor { executor, reports in
                executor.run(order("j", request, resume: facts), tensors: tensors)
                guard case .finished = try reports.end(of: JobID("j")) else {
                    Issue.record("\(String(describing: facts)) did not finish")
                    return
                }
                #expect(reports.files == whole, "\(String(describing: facts))")
            }
        }
        // The latents of another job of the same shape, under its own facts.
        let other = self.request(steps: 3, seed: 2)
        let stranger = try #require(try checkpoints(other).dropFirst().first)
        try withExecutor { executor, reports in
            executor.run(order("j", request, resume: stranger.facts), tensors: stranger.tensors)
            _ = try reports.end(of: JobID("j"))
            #expect(reports.files == whole)
        }
    }

    @Test func `a yielded job hands over where it was, and goes on from there elsewhere`() throws {
        let request = request(steps: 60)
        let whole = try workshop.draw(request).reports.files
        var point: (facts: JSON, tensors: [UInt8])?
        try withExecutor { executor, reports in
            executor.run(order("j", request))
            _ = reports.first { if case .progress(_, let progress) = $0, progress.step > 3 { true } else { nil } }
            executor.yield(JobID("j"))
            let end = try reports.end(of: JobID("j"))
            #expect(end == .yielded)
            for (report, payload) in reports.all {
                if case .checkpoint(_, let facts, let progress) = report {
                    point = (facts, payload)
                    #expect(progress.step > 3)
                }
            }
        }
        let kept = try #require(point)
        try withExecutor { executor, reports in
            executor.run(order("j", request, resume: kept.facts), tensors: kept.tensors)
            _ = try reports.end(of: JobID("j"))
            #expect(reports.files == whole)
            let steps = reports.all.compactMap {
                if case .progress(_, let progress) = $0.report { progress } else { nil }
            }
            let denoised = steps.first { $0.stage == .denoise }
            #expect(denoised?.step ?? 0 > 3)
        }
    }

    @Test func `a cancel at any stage ends the job, leaves nothing and disturbs no other`() throws {
        let request = request(steps: 40)
        let quick = self.request(steps: 2, seed: 5)
        let alone = try workshop.draw(quick).reports.files
        for stage in [Stage.load, .encode, .denoise, .decode] {
            // A fresh workshop, so that there is something to load.
            let workshop = TestModels.workshop
            let reports = Reports()
            let executor = Executor(workshop, reports)
            executor.start()
            defer { executor.quit() }
            executor.run(order("a", request, uid: 1))
            let seen = reports.first {
                if case .progress(_, let progress) = $0 { progress.stage == stage ? true : nil } else { nil }
            }
            #expect(seen == true)
            executor.cancel(JobID("a"))
            executor.run(order("b", quick, uid: 2))
            let end = try reports.end(of: JobID("a"))
            if stage != .decode { #expect(end == .cancelled, "\(stage)") }
            guard case .finished = try reports.end(of: JobID("b")) else {
                Issue.record("b did not finish")
                return
            }
            if end == .cancelled { #expect(reports.files == alone) }
            #expect(reports.all.filter { if case .ended(JobID("a"), _) = $0.report { true } else { false } }.count == 1)
        }
    }

    @Test func `short jobs run between the steps of a long one`() throws {
        try withExecutor { executor, reports in
            executor.run(order("long", request(steps: 400), uid: 1))
            _ = reports.first { if case .progress(_, let progress) = $0, progress.step > 2 { true } else { nil } }
            for number in 0..<3 { executor.run(order("short\(number)", request(steps: 1), uid: 2)) }
            for number in 0..<3 {
                guard case .finished = try reports.end(of: JobID("short\(number)")) else {
                    Issue.record("short\(number) did not finish")
                    return
                }
            }
            #expect(!reports.all.contains { if case .ended(JobID("long"), _) = $0.report { true } else { false } })
            executor.cancel(JobID("long"))
            let end = try reports.end(of: JobID("long"))
            #expect(end == .cancelled)
        }
    }

    @Test func `an unknown kind, wrong parameters and a lost file fail the job and only that`() throws {
        try withExecutor { executor, reports in
            let orders = [
                RunOrder(job: JobID("a"), kind: JobKind("dance"), parameters: .object([:]), uid: 0),
                RunOrder(job: JobID("b"), kind: Generate.kind, parameters: .object([:]), uid: 0),
                RunOrder(job: JobID("c"), kind: Generate.kind, parameters: .array([]), uid: 0),
                RunOrder(
                    job: JobID("d"), kind: Describe.kind,
                    parameters: Describe(image: Blob(sha256: String(repeating: "0", count: 64))).json,
                    inputs: [InputFile(blob: Blob(sha256: String(repeating: "0", count: 64)), path: "/nowhere")], uid: 0
                ),
            ]
            let codes = ["unknown_name", "missing", "missing", "invalid_parameter"]
            for (order, code) in zip(orders, codes) {
                executor.run(order)
                guard case .failed(let body) = try reports.end(of: order.job) else {
                    Issue.record("\(order.job) did not fail")
                    continue
                }
                #expect(body.code == code)
            }
            executor.run(order("e", request(steps: 1)))
            guard case .finished = try reports.end(of: JobID("e")) else {
                Issue.record("e did not finish")
                return
            }
        }
    }

    @Test func `eight first requests at once load every part once`() throws {
        try withExecutor { executor, reports in
            for number in 0..<8 { executor.run(order("j\(number)", request(steps: 1, seed: 3), uid: UInt32(number))) }
            for number in 0..<8 { _ = try reports.end(of: JobID("j\(number)")) }
            #expect(Set(reports.files).count == 1 && reports.files.count == 8)
            let alone = TestModels.workshop
            _ = try alone.draw(request(steps: 1, seed: 3))
            #expect(workshop.residents.count == alone.residents.count && alone.residents.count > 2)
            #expect(workshop.residents.bytes == alone.residents.bytes)
        }
    }
}
