import API
import Checkpoints
import Engine
import Foundation
import Pipelines
import Synchronization
import Wire

/// The models of this checkout.
enum TestModels {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("models")

    /// Whether the language model of the default model is here; `make language-model` fetches it.
    static let hasLanguageModel = FileManager.default.fileExists(
        atPath: folder.appendingPathComponent("smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf").path)

    static var engine: Engine { Engine(ModelCatalog(roots: [folder.path])) }

    /// A copy of the default model under another name, its `part` changed by `edit`; the folder goes with `body`.
    static func withChangedCopy(
        part: String, _ edit: (_ weights: inout Data, _ store: CheckpointStore) throws -> Void,
        _ body: (Engine) throws -> Void
    ) throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("lazuli-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        let copy = root.appendingPathComponent("changed")
        try FileManager.default.copyItem(at: folder.appendingPathComponent("lazuli-mini"), to: copy)
        let file = copy.appendingPathComponent("\(part)/diffusion_pytorch_model.safetensors")
        var weights = try Data(contentsOf: file)
        try edit(&weights, CheckpointStore(path: file.path))
        try weights.write(to: file)
        try body(Engine(ModelCatalog(roots: [root.path, folder.path])))
    }
}

/// What a job reported.
final class Report: Sendable {
    private let events = Mutex<[ExecutionEvent]>([])

    func add(_ event: ExecutionEvent) { events.withLock { $0.append(event) } }

    var files: [[UInt8]] {
        events.withLock { events in
            events.compactMap { if case .image(_, let bytes) = $0 { Array(bytes) } else { nil } }
        }
    }

    var warnings: [String] {
        events.withLock { events in events.compactMap { if case .warning(let text) = $0 { text } else { nil } } }
    }

    var stages: [Stage] {
        events.withLock { events in
            events.reduce(into: []) { stages, event in
                if case .progress(let progress) = event, stages.last != progress.stage { stages.append(progress.stage) }
            }
        }
    }
}

extension Engine {
    /// Runs a job to its end; the files and warnings are in the report.
    func draw(_ request: GenerateRequest) throws -> (result: GenerateResult, report: Report) {
        let report = Report()
        let result = try run(request, report: { report.add($0) }, isCancelled: { false })
        return (result, report)
    }
}
