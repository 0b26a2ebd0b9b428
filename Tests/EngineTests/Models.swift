import API
import Checkpoints
import Engine
import Foundation
import JSON
import Kinds
import Pipelines
import Testing
import Vocabulary
import Wire

/// The models of this checkout.
enum TestModels {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("models")

    /// Whether the language model of the default model is here; `make language-model` fetches it.
    static let hasLanguageModel = FileManager.default.fileExists(
        atPath: folder.appendingPathComponent("smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf").path)

    static var workshop: Workshop { Workshop(ModelCatalog(roots: [folder.path])) }

    /// A copy of the default model under the name "changed", its `part` changed by `edit`; the folder goes with `body`.
    static func withChangedCopy(
        part: String, _ edit: (_ weights: inout Data, _ store: CheckpointStore) throws -> Void,
        _ body: (Workshop) throws -> Void
    ) throws {
        try withCopy { copy, workshop in
            let file = copy.appendingPathComponent("\(part)/diffusion_pytorch_model.safetensors")
            var weights = try Data(contentsOf: file)
            try edit(&weights, CheckpointStore(path: file.path))
            try weights.write(to: file)
            try body(workshop)
        }
    }

    /// A copy of the default model under the name "changed"; the folder goes with `body`.
    static func withCopy(_ body: (URL, Workshop) throws -> Void) throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("lazuli-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        let copy = root.appendingPathComponent("changed")
        try FileManager.default.copyItem(at: folder.appendingPathComponent("lazuli-mini"), to: copy)
        try body(copy, Workshop(ModelCatalog(roots: [root.path, folder.path])))
    }
}

/// Keeps what an executor reports.
///
/// `@unchecked Sendable` proof: `kept` is read and written with `lock` held.
final class Reports: ReportSink, @unchecked Sendable {
    private let lock = NSCondition()
    private var kept: [(report: Report, payload: [UInt8])] = []

    func send(_ report: Report, payload: [UInt8]) throws { keep(report, payload) }

    func offer(_ report: Report) { keep(report, []) }

    private func keep(_ report: Report, _ payload: [UInt8]) {
        lock.lock()
        kept.append((report, payload))
        lock.broadcast()
        lock.unlock()
    }

    var all: [(report: Report, payload: [UInt8])] {
        lock.lock()
        defer { lock.unlock() }
        return kept
    }

    /// Waits until a report satisfies `condition` and returns it; nil after a minute.
    func first<Found>(_ condition: (Report) -> Found?) -> Found? {
        let end = Date(timeIntervalSinceNow: 60)
        lock.lock()
        defer { lock.unlock() }
        var seen = 0
        while true {
            for (report, _) in kept[seen...] {
                if let found = condition(report) { return found }
            }
            seen = kept.count
            guard lock.wait(until: end) else { return nil }
        }
    }

    /// How a job ended.
    func end(of job: JobID) throws -> WorkEnd {
        let end: WorkEnd? = first { if case .ended(job, let end) = $0 { end } else { nil } }
        return try #require(end, "the job did not end within a minute")
    }

    var files: [[UInt8]] {
        all.compactMap { report, payload in if case .output = report { payload } else { nil } }
    }

    var warnings: [String] {
        all.compactMap { report, _ in if case .warning(_, let text) = report { text } else { nil } }
    }

    var stages: [Stage] {
        all.reduce(into: []) { stages, entry in
            if case .progress(_, let progress) = entry.report, stages.last != progress.stage {
                stages.append(progress.stage)
            }
        }
    }
}

/// A job that failed, as the client would read it.
struct FailedJob: Error {
    var body: ErrorBody
}

extension Workshop {
    /// Carries one job out on an executor of its own, to its end.
    func run(_ parameters: some JobParameters, inputs: [InputFile] = []) throws -> (result: JSON, reports: Reports) {
        let reports = Reports()
        let executor = Executor(self, reports)
        executor.start()
        defer { executor.quit() }
        executor.run(
            RunOrder(
                job: JobID("job"), kind: type(of: parameters).kind, parameters: parameters.json, inputs: inputs, uid: 0)
        )
        switch try reports.end(of: JobID("job")) {
        case .finished(let result, let outputs):
            #expect(outputs == reports.files.count)
            return (result, reports)
        case .failed(let body): throw FailedJob(body: body)
        case .cancelled, .yielded: throw CancellationError()
        }
    }

    /// Draws a request; files and warnings are in the reports.
    func draw<Parameters: DrawingParameters>(
        _ request: Parameters, inputs: [InputFile] = []
    ) throws -> (result: DrawingResult<Parameters>, reports: Reports) {
        let (result, reports) = try run(request, inputs: inputs)
        return (try JSONDecoder().decode(DrawingResult<Parameters>.self, from: Data(result.text())), reports)
    }

    /// Draws a request that must fail.
    func failure(_ request: some DrawingParameters, inputs: [InputFile] = []) throws -> ErrorBody {
        let failed = #expect(throws: FailedJob.self) { try draw(request, inputs: inputs) }
        return try #require(failed).body
    }
}
