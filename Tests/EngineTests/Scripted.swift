import Engine
import Foundation
import JSON
import Kinds
import Pipelines
import Testing
import Vocabulary
import Wire

/// Holds works at slices and keeps the order in which slices were carried out.
///
/// `@unchecked Sendable` proof: every property is read and written with `lock` held.
final class Control: @unchecked Sendable {
    private let lock = NSCondition()
    private var holds: Set<String>
    private var log: [String] = []
    private var inside = 0

    init(holding holds: Set<String> = []) {
        self.holds = holds
    }

    /// Names of slices, such as "a3", in the order of their turns.
    var slices: [String] { locked { log } }

    /// A slice is carried out; waits there while the test wants it to.
    func enter(_ slice: String) {
        locked {
            inside += 1
            #expect(inside == 1, "two slices at once")
            log.append(slice)
            lock.broadcast()
            while holds.contains(slice) { lock.wait() }
            inside -= 1
        }
    }

    /// Waits until a slice is under way.
    func awaitEntry(_ slice: String) throws {
        let end = Date(timeIntervalSinceNow: 60)
        try locked {
            while !log.contains(slice) {
                try #require(lock.wait(until: end), "\(slice) was not reached within a minute")
            }
        }
    }

    func release(_ slice: String) {
        locked { _ = holds.remove(slice) }
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock.lock()
        defer {
            lock.broadcast()
            lock.unlock()
        }
        return try body()
    }
}

/// A work of as many slices as its parameters say: each writes its number.
struct Scripted: Work {
    struct Fault: Error {}

    let control: Control
    let name: String
    let slices: Int
    let failsAt: Int?
    let hasResult: Bool
    var need: Need
    var done: Int

    init(_ parameters: JSON, _ control: Control, resume: Checkpoint?) throws {
        self.control = control
        name = try #require(parameters["name"]?.asString)
        slices = try #require(parameters["slices"]?.asInt)
        failsAt = parameters["fails_at"]?.asInt
        hasResult = parameters["no_result"] == nil
        need = Need(model: parameters["model"]?.asString)
        done = resume?.facts.asInt ?? 0
    }

    var next: Slice? { done < slices ? Slice(.denoise, step: done, of: slices) : nil }

    mutating func advance(_ desk: Desk) throws {
        control.enter("\(name)\(done)")
        if done == failsAt { throw Fault() }
        desk.write("\(done) ")
        done += 1
    }

    func checkpoint() -> Checkpoint? {
        done > 0 ? Checkpoint(facts: .int(done), tensors: [UInt8](repeating: 7, count: done)) : nil
    }

    func result() throws -> JSON {
        guard hasResult else { throw Fault() }
        return .int(done)
    }

    /// What such works write from slice `first` on.
    static func text(_ slices: Range<Int>) -> String { slices.map { "\($0) " }.joined() }

    static func row(_ control: Control) -> JobKindRow {
        JobKindRow(kind: Kind(Describe.self)) { parameters, _, resume in
            try Scripted(parameters, control, resume: resume)
        } appraise: { _, _, _ in
            JobAppraisal(estimate: Estimate(memoryBytes: 0, budgetBytes: 0))
        }
    }

    static func order(
        _ name: String, slices: Int, uid: UInt32 = 0, priority: Int = 0, more: [String: JSON] = [:], resume: JSON? = nil
    ) -> RunOrder {
        let parameters: [String: JSON] = ["name": .string(name), "slices": .int(slices)]
        return RunOrder(
            job: JobID(name), kind: JobKind("scripted"), parameters: .object(parameters.merging(more) { $1 }), uid: uid,
            priority: priority, resume: resume)
    }
}

extension Reports {
    /// The text of a job, whose pieces must follow each other.
    func text(of job: JobID) -> String {
        var text = ""
        for (report, _) in all {
            guard case .text(job, let offset, let piece) = report else { continue }
            #expect(offset == text.utf8.count)
            text += piece
        }
        return text
    }

    /// Waits for the end of a job, which must be this one.
    func awaitEnd(_ name: String, _ wanted: WorkEnd) throws {
        let end = try end(of: JobID(name))
        #expect(end == wanted, "\(name)")
    }

    func ends(of job: JobID) -> [WorkEnd] {
        all.compactMap { report, _ in if case .ended(job, let end) = report { end } else { nil } }
    }
}
