import Checkpoints
import Foundation
import Pipelines
import Schedulers
import Tensor
import Vocabulary
import Testing

/// What a diffusers folder's small files decide, without any weights.
@Suite struct ModelFilesTests {
    /// A folder with `files`, as the only model "m" of a catalogue, for as long as `body` runs.
    private func withModel(_ files: [String: String], _ body: (ModelCatalog) throws -> Void) throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("lazuli-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        for (name, text) in files {
            let file = root.appendingPathComponent("m/\(name)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try body(ModelCatalog(roots: [root.path]))
    }

    @Test func `the index says which class reads the scheduler's file`() throws {
        let files = [
            "model_index.json":
                #"{"_class_name": "StableDiffusionPipeline", "scheduler": ["diffusers", "DDIMScheduler"]}"#,
            "scheduler/scheduler_config.json": #"{"_class_name": "PNDMScheduler", "steps_offset": 1}"#,
        ]
        try withModel(files) { catalog in
            let scheduler = try ModelFiles(catalog.model("m").path).scheduler
            #expect(scheduler.className == "DDIMScheduler" && scheduler.values["steps_offset"] == .number(1))
        }
    }

    @Test func `the file names the scheduler where the index does not`() throws {
        let files = [
            "model_index.json": #"{"_class_name": "StableDiffusionPipeline"}"#,
            "scheduler/scheduler_config.json": #"{"_class_name": "PNDMScheduler"}"#,
        ]
        try withModel(files) { catalog in
            let scheduler = try ModelFiles(catalog.model("m").path).scheduler
            #expect(scheduler.className == "PNDMScheduler")
        }
    }

    @Test(arguments: ["StableDiffusionPipeline", "LatentConsistencyModelPipeline"])
    func `hidden padding is refused by name`(pipeline: String) throws {
        let files = [
            "model_index.json": #"{"_class_name": "\#(pipeline)"}"#,
            "text_encoder/config.json": #"{"use_attention_mask": true}"#,
        ]
        try withModel(files) { catalog in
            let error = #expect(throws: ConfigError.self) { _ = try Registry(catalog).textToImage("m", .f32) }
            guard case .value(_, let key, _, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(key == "use_attention_mask")
        }
    }
}
