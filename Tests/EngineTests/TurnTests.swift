import API
import Engine
import Foundation
import JSON
import Pipelines
import Testing
import Vocabulary
import Wire

/// The executor with works that do what the test says: whose slice is next, and what becomes of it.
@Suite struct TurnTests {
    /// Runs `body` beside an executor of scripted works, whose thread ends with it.
    private func withExecutor(
        holding holds: Set<String> = [], _ schedule: Schedule = Schedule(),
        _ body: (Executor, Reports, Control) throws -> Void
    ) throws {
        let control = Control(holding: holds)
        let reports = Reports()
        let row = Scripted.row(control)
        let executor = Executor(Workshop(ModelCatalog(roots: [])), reports, schedule: schedule) { kind in
            kind == JobKind("scripted") ? row : nil
        }
        executor.start()
        defer {
            for hold in holds { control.release(hold) }
            executor.quit()
        }
        try body(executor, reports, control)
    }

    @Test(arguments: [UInt32(0), 1], 0..<5)
    func `a job of one slice starts when the slice of a long one is over`(uid: UInt32, slice: Int) throws {
        try withExecutor(holding: ["l\(slice)"]) { executor, reports, control in
            executor.run(Scripted.order("l", slices: 50))
            try control.awaitEntry("l\(slice)")
            executor.run(Scripted.order("s", slices: 1, uid: uid))
            control.release("l\(slice)")
            try reports.awaitEnd("s", .finished(.int(1), outputs: 0))
            try reports.awaitEnd("l", .finished(.int(50), outputs: 0))
            let after = try #require(control.slices.firstIndex(of: "l\(slice)")) + 1
            #expect(control.slices[after] == "s0")
        }
    }

    @Test(arguments: 0..<6) func `a cancel in any slice throws it away and disturbs no other`(slice: Int) throws {
        try withExecutor(holding: ["a\(slice)"]) { executor, reports, control in
            executor.run(Scripted.order("a", slices: 6))
            try control.awaitEntry("a\(slice)")
            executor.run(Scripted.order("b", slices: 3))
            executor.cancel(JobID("a"))
            executor.cancel(JobID("a"))
            executor.yield(JobID("a"))
            executor.cancel(JobID("nobody"))
            control.release("a\(slice)")
            try reports.awaitEnd("a", .cancelled)
            try reports.awaitEnd("b", .finished(.int(3), outputs: 0))
            #expect(reports.text(of: JobID("a")) == Scripted.text(0..<slice))
            #expect(reports.text(of: JobID("b")) == Scripted.text(0..<3))
            #expect(control.slices.filter { $0.hasPrefix("a") }.count == slice + 1)
            executor.cancel(JobID("a"))
            executor.cancel(JobID("b"))
            executor.run(Scripted.order("c", slices: 1))
            _ = try reports.end(of: JobID("c"))
            #expect(reports.ends(of: JobID("a")).count == 1 && reports.ends(of: JobID("b")).count == 1)
        }
    }

    @Test func `a job that is cancelled before its first slice never has one`() throws {
        try withExecutor(holding: ["a0"]) { executor, reports, control in
            executor.run(Scripted.order("a", slices: 2))
            try control.awaitEntry("a0")
            executor.run(Scripted.order("b", slices: 2, priority: 5))
            executor.cancel(JobID("b"))
            control.release("a0")
            try reports.awaitEnd("b", .cancelled)
            try reports.awaitEnd("a", .finished(.int(2), outputs: 0))
            #expect(control.slices == ["a0", "a1"])
        }
    }

    @Test(arguments: 0..<5) func `a yielded job hands over what was done and goes on there`(slice: Int) throws {
        var point: (facts: JSON, tensors: [UInt8])?
        try withExecutor(holding: ["a\(slice)"]) { executor, reports, control in
            executor.run(Scripted.order("a", slices: 5))
            try control.awaitEntry("a\(slice)")
            executor.yield(JobID("a"))
            control.release("a\(slice)")
            try reports.awaitEnd("a", .yielded)
            #expect(reports.text(of: JobID("a")) == Scripted.text(0..<slice))
            for case (.checkpoint(JobID("a"), let facts, let progress), let tensors) in reports.all {
                point = (facts, tensors)
                #expect(progress.step == slice && progress.steps == 5)
            }
            #expect(point?.facts == (slice > 0 ? .int(slice) : nil))
            #expect(point?.tensors.count ?? 0 == slice)
        }
        try withExecutor { executor, reports, control in
            executor.run(Scripted.order("a", slices: 5, resume: point?.facts), tensors: point?.tensors ?? [])
            try reports.awaitEnd("a", .finished(.int(5), outputs: 0))
            #expect(control.slices == (slice..<5).map { "a\($0)" })
        }
    }

    @Test func `a higher priority takes the turn at the next slice, and keeps it while it loads what others wait for`()
        throws
    {
        let model: [String: JSON] = ["model": .string("m")]
        try withExecutor(holding: ["l2"]) { executor, reports, control in
            executor.run(Scripted.order("l", slices: 6, uid: 1, more: model))
            try control.awaitEntry("l2")
            executor.run(Scripted.order("m", slices: 4, uid: 2, priority: 1))
            executor.run(Scripted.order("h", slices: 4, uid: 3, priority: 5, more: model))
            control.release("l2")
            for name in ["l", "m", "h"] { _ = try reports.end(of: JobID(name)) }
            // First what is most urgent, its loading included, then what is less so.
            #expect(
                control.slices == ["l0", "l1", "l2", "h0", "h1", "h2", "h3", "m0", "m1", "m2", "m3", "l3", "l4", "l5"])
        }
    }

    @Test func `a change of priority counts at the next slice`() throws {
        try withExecutor(holding: ["a1"]) { executor, reports, control in
            executor.run(Scripted.order("a", slices: 4, priority: 3))
            try control.awaitEntry("a1")
            executor.run(Scripted.order("b", slices: 2, priority: 0))
            executor.prioritise(JobID("b"), 4)
            executor.prioritise(JobID("nobody"), 9)
            control.release("a1")
            for name in ["a", "b"] { _ = try reports.end(of: JobID(name)) }
            #expect(control.slices == ["a0", "a1", "b0", "b1", "a2", "a3"])
        }
    }

    @Test(arguments: 0..<4) func `a slice that fails ends its job, not the others`(slice: Int) throws {
        try withExecutor(holding: ["a0"]) { executor, reports, control in
            executor.run(Scripted.order("a", slices: 4, uid: 1, more: ["fails_at": .int(slice)]))
            executor.run(Scripted.order("b", slices: 4, uid: 2))
            control.release("a0")
            guard case .failed(let body) = try reports.end(of: JobID("a")) else {
                Issue.record("a did not fail")
                return
            }
            #expect(body.code == "internal" && body.stage == .denoise)
            try reports.awaitEnd("b", .finished(.int(4), outputs: 0))
            #expect(reports.text(of: JobID("a")) == Scripted.text(0..<slice))
        }
    }

    @Test func `a slice that fails after the job was cancelled is a cancel`() throws {
        try withExecutor(holding: ["a1"]) { executor, reports, control in
            executor.run(Scripted.order("a", slices: 4, more: ["fails_at": .int(1)]))
            try control.awaitEntry("a1")
            executor.cancel(JobID("a"))
            control.release("a1")
            try reports.awaitEnd("a", .cancelled)
            #expect(reports.ends(of: JobID("a")).count == 1)
        }
    }

    @Test func `a result that cannot be told is a failure, not silence`() throws {
        try withExecutor { executor, reports, _ in
            executor.run(Scripted.order("a", slices: 1, more: ["no_result": .bool(true)]))
            guard case .failed(let body) = try reports.end(of: JobID("a")) else {
                Issue.record("a did not fail")
                return
            }
            #expect(body.code == "result_not_sent")
        }
    }

    @Test func `a job that is given twice runs once`() throws {
        try withExecutor(holding: ["a0"]) { executor, reports, control in
            executor.run(Scripted.order("a", slices: 3))
            executor.run(Scripted.order("a", slices: 9))
            control.release("a0")
            try reports.awaitEnd("a", .finished(.int(3), outputs: 0))
            #expect(control.slices == ["a0", "a1", "a2"])
        }
    }

    @Test func `who has the turn is told before each change, and nobody when all is done`() throws {
        try withExecutor { executor, reports, _ in
            executor.run(Scripted.order("a", slices: 2))
            #expect(reports.first { $0 == .turn(nil) ? true : nil } == true)
            executor.run(Scripted.order("b", slices: 1))
            _ = try reports.end(of: JobID("b"))
            var turn: JobID?
            for (report, _) in reports.all {
                switch report {
                case .turn(let job): turn = job
                case .text(let job, _, _), .progress(let job, _): #expect(turn == job)
                default: break
                }
            }
        }
    }

    @Test func `progress of many quick slices is thinned out`() throws {
        try withExecutor { executor, reports, _ in
            executor.run(Scripted.order("a", slices: 5000))
            try reports.awaitEnd("a", .finished(.int(5000), outputs: 0))
            let steps = reports.all.compactMap {
                if case .progress(_, let progress) = $0.report { progress.step } else { nil }
            }
            #expect(steps.first == 0 && steps == steps.sorted() && steps.count < 2500)
            #expect(reports.text(of: JobID("a")) == Scripted.text(0..<5000))
        }
    }

    @Test func `at the end every job is handed back once, and none is taken`() throws {
        let control = Control(holding: ["a1"])
        let reports = Reports()
        let row = Scripted.row(control)
        let executor = Executor(Workshop(ModelCatalog(roots: [])), reports) { _ in row }
        executor.start()
        executor.run(Scripted.order("a", slices: 9))
        executor.run(Scripted.order("b", slices: 9, priority: -1))
        executor.run(Scripted.order("c", slices: 9, priority: -2))
        try control.awaitEntry("a1")
        executor.cancel(JobID("c"))
        let quitting = Thread { executor.quit() }
        quitting.start()
        // The orders that come while it ends are another worker's.
        Thread.sleep(forTimeInterval: 0.05)
        executor.run(Scripted.order("d", slices: 1))
        control.release("a1")
        executor.quit()
        #expect(reports.ends(of: JobID("a")) == [.yielded] && reports.ends(of: JobID("b")) == [.yielded])
        #expect(reports.ends(of: JobID("c")) == [.cancelled] && reports.ends(of: JobID("d")).isEmpty)
        #expect(control.slices == ["a0", "a1"])
    }

    /// Random jobs with random orders in between.
    @Test(arguments: 1...20) func `in every script each job ends once, whole and in order`(seed: UInt64) throws {
        var generator = Generator(state: seed)
        try withExecutor(Schedule(patience: 0.01)) { executor, reports, control in
            var slices: [String: Int] = [:]
            var stopped: Set<String> = []
            for number in 0..<60 {
                let name =
                    String(UnicodeScalar(UInt8(97 + number % 26))) + (number < 26 ? "x" : number < 52 ? "y" : "z")
                slices[name] = Int.random(in: 1...30, using: &generator)
                executor.run(
                    Scripted.order(
                        name, slices: slices[name] ?? 1, uid: UInt32.random(in: 0...3, using: &generator),
                        priority: Int.random(in: -2...2, using: &generator)))
                let other = slices.keys.sorted().randomElement(using: &generator) ?? name
                switch Int.random(in: 0..<5, using: &generator) {
                case 0:
                    executor.cancel(JobID(other))
                    stopped.insert(other)
                case 1:
                    executor.yield(JobID(other))
                    stopped.insert(other)
                case 2: executor.prioritise(JobID(other), Int.random(in: -2...2, using: &generator))
                default: usleep(UInt32.random(in: 0...300, using: &generator))
                }
            }
            for (name, count) in slices {
                let job = JobID(name)
                let end = try reports.end(of: job)
                let text = reports.text(of: job)
                switch end {
                case .finished(let result, let outputs):
                    #expect(result == .int(count) && outputs == 0 && text == Scripted.text(0..<count))
                case .cancelled, .yielded:
                    #expect(stopped.contains(name) && Scripted.text(0..<count).hasPrefix(text))
                case .failed(let body): Issue.record("\(name): \(body)")
                }
                #expect(reports.ends(of: job).count == 1)
            }
            #expect(Set(control.slices).count == control.slices.count)
        }
    }
}

/// A generator with a seed, so that a failure can be seen again.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
