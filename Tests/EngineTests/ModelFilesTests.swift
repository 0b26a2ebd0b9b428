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

    /// A single file of the XL family, without most of its tensors, whose header carries this title.
    private func singleFile(title: String?) -> String {
        let names = ["model.diffusion_model.input_blocks.0.0.weight", "conditioner.embedders.1.model.ln_final.weight"]
        var entries = names.enumerated().map {
            #""\#($1)": {"dtype": "F32", "shape": [1], "data_offsets": [\#($0 * 4), \#($0 * 4 + 4)]}"#
        }
        if let title { entries.append(#""__metadata__": {"modelspec.title": "\#(title)"}"#) }
        let header = "{\(entries.joined(separator: ", "))}"
        // 512 bytes, so that the length is ASCII and the whole file is text.
        let padding = String(repeating: " ", count: 512 - header.utf8.count)
        return "\0\u{2}\0\0\0\0\0\0" + header + padding + String(repeating: "\0", count: 4 * names.count)
    }

    @Test(arguments: [
        ("sd_xl_turbo_1.0_fp16", nil, 999), ("dreamshaperXL_v21TurboDPMSDE", nil, 999), ("m", "SDXL Turbo", 999),
        ("sdxl_lightning_4step", nil, 999), ("Hyper-SDXL-1step", nil, 999),
        ("sd_xl_base_1.0", "Stable Diffusion XL 1.0 Base", 1), ("sd_xl_base_1.0", nil, 1), ("hyperrealXL", nil, 1),
    ]) func `a distilled single file begins at the last timestep`(name: String, title: String?, first: Float) throws {
        try withModel(["\(name).safetensors": singleFile(title: title)]) { catalog in
            let path = "\(catalog.roots[0])/m/\(name).safetensors"
            let scheduler = try ModelFiles(path).scheduler
            let plan = try SamplingPlan(SamplingRequest(steps: 1), configuration: scheduler)
            #expect(plan.steps.map(\.timestep) == [first])
            let leading = SamplingRequest(schedule: .leading, steps: 1)
            #expect(try SamplingPlan(leading, configuration: scheduler).steps.map(\.timestep) == [1])
        }
    }

    @Test func `sizes of conversions before 0.9 are corrected as diffusers corrects them`() throws {
        let folder = try TemporaryFolder()
        for (golden, version, side) in [
            (TinyModel.sd1, "0.8.1", 64), (TinyModel.sd1, "0.2.0.dev0", 64), (TinyModel.sd1, "0.9.0", 8),
            (TinyModel.sd1, "0.21.4", 8), (TinyModel.sd1, "1.0.0", 8), (TinyModel.sd1, nil, 8),
            (TinyModel.sdxl, "0.8.1", nil),
        ] as [(String, String?, Int?)] {
            try TinyModel(golden).write(to: "\(folder.path)/m")
            let file = URL(fileURLWithPath: "\(folder.path)/m/unet/config.json")
            let before = try Registry(ModelCatalog(roots: [folder.path])).textToImage("m", .f32).defaults.width
            if let version {
                let text = try String(contentsOf: file, encoding: .utf8)
                try Data(
                    text.replacingOccurrences(
                        of: "{", with: #"{"_diffusers_version": "\#(version)", "#, options: .anchored
                    ).utf8
                )
                .write(to: file)
            }
            let after = try Registry(ModelCatalog(roots: [folder.path])).textToImage("m", .f32).defaults.width
            // The tiny model's latents are 8 wide.
            #expect(after * 8 == before * (side ?? 8), "\(golden) \(version ?? "no version")")
        }
    }

    @Test func `models are found in folders of folders, and however their ending is written`() throws {
        let folder = try TemporaryFolder()
        for path in [
            "a.safetensors", "B.SAFETENSORS", "sub/c.SafeTensors", "sub/deep/d.safetensors", "sub/e.gguf", "f.gguf",
            "model/model_index.json", "model/unet/x.safetensors", "sub/part/config.json", "sub/part/x.safetensors",
        ] {
            let file = URL(fileURLWithPath: "\(folder.path)/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: file)
        }
        // A folder that leads to itself ends the search.
        try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/loop", withDestinationPath: ".")
        let catalog = ModelCatalog(roots: [folder.path])
        let names = catalog.entries.map(\.name).filter { !$0.hasPrefix("loop") }
        #expect(names == ["B", "a", "f", "model", "sub/c", "sub/deep/d"])
        let error = #expect(throws: PipelineError.self) { try catalog.model("absent") }
        #expect(error.map { "\($0)".contains(folder.path) } == true)
    }
}
