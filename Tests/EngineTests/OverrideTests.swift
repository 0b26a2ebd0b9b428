import API
import Checkpoints
import Engine
import Foundation
import JSON
import Kinds
import Pipelines
import Tensor
import Testing
import Vocabulary

/// What a request says in place of the checkpoint; what comes of it is compared with diffusers by `PipelineTests`.
@Suite struct OverrideTests {
    /// Folders of models side by side.
    private struct Shelf {
        let folder: TemporaryFolder
        let model: TinyModel

        init() throws {
            folder = try TemporaryFolder()
            model = try TinyModel(TinyModel.sd1)
            try model.write(to: "\(folder.path)/m")
            try TinyModel(TinyModel.sd1, seed: 5).write(to: "\(folder.path)/other")
        }

        /// A copy of the model "m" with the autoencoder of the folder `path`.
        func mix(_ name: String, _ path: String) throws {
            try model.write(to: "\(folder.path)/\(name)")
            try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)/vae")
            try FileManager.default.copyItem(atPath: path, toPath: "\(folder.path)/\(name)/vae")
        }

        func request(_ name: String = "m", vae: String? = nil) -> Generate {
            var request = model.requests[0]
            (request.model, request.vae, request.metadata) = (name, vae, MetadataLevel.none)
            return request
        }

        func draw(_ request: Generate) throws -> [UInt8] {
            try #require(try folder.workshop().draw(request).reports.files.first)
        }

        /// The autoencoder at `path` with 32 channels for 8 and 64 for 16, as a part of its own at `folder`.
        func widen(_ path: String, to folder: String) throws -> [String: Tensor] {
            let text = try String(contentsOfFile: "\(path)/config.json", encoding: .utf8)
            var config = try #require(try JSON(Array(text.utf8)).asObject)
            config["block_out_channels"] = .array([.int(32), .int(64), .int(64)])
            config["norm_num_groups"] = .int(32)
            let file = try Data(contentsOf: URL(fileURLWithPath: "\(path)/diffusion_pytorch_model.safetensors"))
            var wide: [String: Tensor] = [:]
            for (name, tensor) in try SafetensorsWriter.tensors(Array(file), name: "vae") {
                var shape = tensor.shape.map { $0 == 8 ? 32 : $0 == 16 ? 64 : $0 }
                if name.contains("quant_conv") { shape = tensor.shape }
                if name.hasPrefix("encoder.conv_out") { shape[0] = tensor.shape[0] }
                wide[name] = ComputedWeights.tensor(name, 3, shape)
            }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(JSON.object(config).text()).write(to: URL(fileURLWithPath: "\(folder)/config.json"))
            try Data(SafetensorsWriter.file(wide))
                .write(to: URL(fileURLWithPath: "\(folder)/diffusion_pytorch_model.safetensors"))
            return wide
        }
    }

    @Test func `the autoencoder of another model takes the place of its own`() throws {
        let shelf = try Shelf()
        try shelf.mix("mixed", "\(shelf.folder.path)/other/vae")
        let wanted = try shelf.draw(shelf.request("mixed"))
        #expect(try shelf.draw(shelf.request()) != wanted)
        #expect(try shelf.draw(shelf.request(vae: "other")) == wanted)
        // The same folder as a model of its own.
        try FileManager.default.copyItem(
            atPath: "\(shelf.folder.path)/other/vae", toPath: "\(shelf.folder.path)/alone")
        // A saved part says what it is.
        let config = URL(fileURLWithPath: "\(shelf.folder.path)/alone/config.json")
        var members = try #require(try JSON(Array(Data(contentsOf: config))).asObject)
        members["_class_name"] = .string("AutoencoderKL")
        try Data(JSON.object(members).text()).write(to: config)
        #expect(try shelf.draw(shelf.request(vae: "alone")) == wanted)
    }

    @Test func `one workshop keeps a model and its autoencoders apart`() throws {
        let shelf = try Shelf()
        let workshop = shelf.folder.workshop()
        var pictures: [[UInt8]] = []
        var fingerprints: [String?] = []
        for vae in [nil, "other", nil, "other", "m"] as [String?] {
            let (result, reports) = try workshop.draw(shelf.request(vae: vae))
            pictures += reports.files
            fingerprints.append(result.modelSHA256)
            #expect(result.parameters.vae == vae)
        }
        #expect(pictures[0] != pictures[1])
        #expect(pictures[2] == pictures[0] && pictures[3] == pictures[1] && pictures[4] == pictures[0])
        #expect(fingerprints[0] != fingerprints[1] && fingerprints[1] == fingerprints[3])
    }

    @Test func `an autoencoder in one file draws as its folder, under either names`() throws {
        let shelf = try Shelf()
        let wide = try shelf.widen("\(shelf.folder.path)/m/vae", to: "\(shelf.folder.path)/wide")
        try shelf.mix("mixed", "\(shelf.folder.path)/wide")
        let wanted = try shelf.draw(shelf.request("mixed"))
        #expect(try shelf.draw(shelf.request()) != wanted)
        let original = Dictionary(uniqueKeysWithValues: wide.map { Self.original($0, $1, levels: 3) })
        let prefixed = Dictionary(uniqueKeysWithValues: original.map { ("first_stage_model." + $0, $1) })
        for (name, tensors) in [("diffusers", wide), ("original", original), ("prefixed", prefixed)] {
            try Data(SafetensorsWriter.file(tensors))
                .write(to: URL(fileURLWithPath: "\(shelf.folder.path)/\(name).safetensors"))
            #expect(try shelf.draw(shelf.request(vae: name)) == wanted, "\(name)")
        }
    }

    /// A tensor of an autoencoder under the name that the first repositories gave it.
    private static func original(_ name: String, _ tensor: Tensor, levels: Int) -> (String, Tensor) {
        var name = name
        for level in 0..<levels {
            name = name.replacing("down_blocks.\(level).", with: "down.\(level).")
                .replacing("up_blocks.\(level).", with: "up.\(levels - 1 - level).")
        }
        name = name.replacing("mid_block.resnets.0", with: "mid.block_1").replacing(
            "mid_block.resnets.1", with: "mid.block_2"
        )
        .replacing("mid_block.attentions.0.", with: "mid.attn_1.").replacing("resnets", with: "block")
        .replacing("downsamplers.0", with: "downsample").replacing("upsamplers.0", with: "upsample")
        .replacing("conv_norm_out", with: "norm_out").replacing("conv_shortcut", with: "nin_shortcut")
        .replacing("group_norm", with: "norm").replacing("to_out.0", with: "proj_out")
        for letter in ["q", "k", "v"] { name = name.replacing("attn_1.to_\(letter).", with: "attn_1.\(letter).") }
        let isMatrix = name.contains("attn_1.") && tensor.shape.count == 2
        return (name, isMatrix ? Tensor(tensor.floats, tensor.shape + [1, 1]) : tensor)
    }

    @Test func `what is no autoencoder is refused by the parameter's name`() throws {
        let shelf = try Shelf()
        let workshop = shelf.folder.workshop()
        try Data(SafetensorsWriter.file(["x.lora_up.weight": Tensor(zeros: [2, 2])]))
            .write(to: URL(fileURLWithPath: "\(shelf.folder.path)/lora.safetensors"))
        try FileManager.default.copyItem(
            atPath: "\(shelf.folder.path)/m/text_encoder", toPath: "\(shelf.folder.path)/text")
        for name in ["none", "lora", "text", "../m"] {
            #expect(try workshop.failure(shelf.request(vae: name)).param == "vae", "\(name)")
        }
    }

    @Test func `what changes nothing is a warning`() throws {
        let shelf = try Shelf()
        let row = try #require(JobKinds.named(Generate.kind))
        let workshop = shelf.folder.workshop()
        func warnings(_ change: (inout Generate) -> Void) throws -> [String] {
            var request = shelf.request()
            change(&request)
            return try row.appraise(request.json, [:], workshop).warnings
        }
        #expect(try warnings { _ in }.isEmpty)
        #expect(try warnings { $0.spacing = .trailing }.isEmpty)
        // PNDM reads neither.
        #expect(try warnings { $0.zeroSNR = true }.contains { $0.hasPrefix("zero_snr has no effect") })
        #expect(try warnings { ($0.zeroSNR, $0.sampler) = (true, "ddim") }.isEmpty)
        #expect(
            try warnings { ($0.spacing, $0.sampler) = (.trailing, "lcm") }.contains { $0.hasPrefix("spacing has no") })
        for guidance in [1.0, 3.0] {
            let found = try warnings { ($0.guidance, $0.negativePrompt, $0.guidanceRescale) = (guidance, "a dog", 0.5) }
            #expect(found.filter { $0.contains("has no effect without guidance") }.count == (guidance > 1 ? 0 : 2))
        }
    }

    @Test func `a model of flow matching predicts nothing else`() throws {
        let row = try #require(JobKinds.named(Generate.kind))
        for change in [{ $0.prediction = .epsilon }, { $0.zeroSNR = true }] as [(inout Generate) -> Void] {
            var request = Generate(prompt: "a cat")
            request.model = "lazuli-mini"
            change(&request)
            #expect(throws: PipelineError.self) { try row.appraise(request.json, [:], TestModels.workshop) }
        }
    }
}
