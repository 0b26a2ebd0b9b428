import API
import Foundation
import JSON
import Kinds
import Pipelines
import Synchronization
import Vocabulary
import Wire

/// Answers what only the worker knows, beside the jobs.
final class Questions: Sendable {
    private let workshop: Workshop
    private let listing: Listing
    private let listings = SideThread("listing")
    private let appraisals = SideThread("appraisal")

    init(_ workshop: Workshop) {
        self.workshop = workshop
        listing = Listing(workshop.registry)
    }

    /// Calls `tell` on another thread. Questions of one sort wait for each other, and too many are refused.
    func answer(_ question: Question, _ tell: @escaping @Sendable (Answer) -> Void) {
        let isTaken =
            switch question {
            case .models(let from): listings.run { [listing] in tell(listing.page(from)) }
            case .appraise(let kind, let parameters, let inputs):
                appraisals.run { [workshop] in tell(Self.appraise(kind, parameters, inputs, workshop)) }
            }
        guard !isTaken else { return }
        tell(
            .refusal(
                ErrorBody(
                    .unavailable, code: "too_many_questions",
                    message: "The worker is still answering \(SideThread.most) questions. Ask again later.")))
    }

    private static func appraise(
        _ kind: JobKind, _ parameters: JSON, _ inputs: [InputFile], _ workshop: Workshop
    ) -> Answer {
        do {
            guard let row = JobKinds.named(kind) else {
                throw RequestError.unknownName(
                    param: "kind", value: kind.rawValue, allowed: JobKinds.rows.map(\.kind.kind.rawValue))
            }
            let appraisal = try row.appraise(
                parameters, Dictionary(inputs.map { ($0.blob, $0.path) }, uniquingKeysWith: { first, _ in first }),
                workshop)
            return .appraisal(
                Appraisal(estimate: appraisal.estimate, warnings: appraisal.warnings.map { $0.capped() }))
        } catch {
            return .refusal(ErrorBody(error))
        }
    }
}

/// A thread that does one thing after the other.
///
/// `@unchecked Sendable` proof: `waiting` and `isRunning` are read and written with `lock` held.
final class SideThread: @unchecked Sendable {
    /// Things that may wait.
    static let most = 64

    private let name: String
    private let lock = NSLock()
    private var waiting: [@Sendable () -> Void] = []
    private var isRunning = false

    init(_ name: String) {
        self.name = name
    }

    /// Does `body` when its turn has come; false where too much is waiting.
    func run(_ body: @escaping @Sendable () -> Void) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        guard waiting.count < Self.most else { return false }
        waiting.append(body)
        if !isRunning {
            isRunning = true
            let thread = Thread { [self] in work() }
            thread.stackSize = 16 << 20
            thread.name = name
            thread.start()
        }
        return true
    }

    private func work() {
        while let body = next() { body() }
    }

    private func next() -> (@Sendable () -> Void)? {
        lock.lock()
        defer { lock.unlock() }
        guard !waiting.isEmpty else {
            isRunning = false
            return nil
        }
        return waiting.removeFirst()
    }
}
