import Checkpoints
import Foundation
import Testing

@Suite struct RenamesTests {
    private struct Line {
        let name, part, renamed: String
        let shape, renamedShape: [Int]
    }

    private func lines(_ kind: String) throws -> [Line] {
        try String(contentsOfFile: golden("renames-\(kind).tsv"), encoding: .utf8).split(separator: "\n").map {
            let words = $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            func shape(_ text: String) -> [Int] { text.split(separator: ",").compactMap { Int($0) } }
            return Line(
                name: words[0], part: words[2], renamed: words[3], shape: shape(words[1]), renamedShape: shape(words[4])
            )
        }
    }

    private func checkpoint<T>(_ lines: [Line], _ body: (CheckpointStore) throws -> T) throws -> T {
        try withFolder { folder in
            var seen: Set<String> = []
            let tensors = lines.filter { seen.insert($0.name).inserted }.map { (name: $0.name, shape: $0.shape) }
            try write(safetensors(tensors), "\(folder)/model.safetensors")
            return try body(CheckpointStore(path: "\(folder)/model.safetensors"))
        }
    }

    private func original(_ store: CheckpointStore) throws -> OriginalCheckpoint {
        let found = try OriginalCheckpoint(store)
        return try #require(found)
    }

    @Test(arguments: ["sd1", "sd2", "sdxl"]) func `an original file gets the names that diffusers gives`(
        _ kind: String
    ) throws {
        let lines = try lines(kind)
        try checkpoint(lines) { store in
            let original = try original(store)
            #expect(original.kind.rawValue == kind)
            #expect(original.ignored == [] && !original.markers.isVelocity && original.markers.edm == nil)
            let parts = [
                "unet": original.unet, "vae": original.vae, "text_encoder": original.textEncoder,
                "text_encoder_2": original.textEncoder2,
            ]
            for (part, found) in parts {
                let expected = lines.filter { $0.part == part }
                #expect(found.names.sorted() == expected.map(\.renamed).sorted(), "\(part)")
                for line in expected { #expect(found.shape(line.renamed) == line.renamedShape, "\(line.renamed)") }
            }
        }
    }

    @Test func `packed projections are cut and the text projection is transposed`() throws {
        try checkpoint(try lines("sdxl")) { store in
            let encoder = try original(store).textEncoder2
            let layer = "text_model.encoder.layers.1.self_attn"
            for (index, role) in ["q_proj", "k_proj", "v_proj"].enumerated() {
                let weight = try encoder.entry("\(layer).\(role).weight")
                #expect(weight.shape == [64, 64] && floats(weight) == (0..<4096).map { Float($0 + 4096 * index) })
                let bias = try encoder.entry("\(layer).\(role).bias")
                #expect(bias.shape == [64] && floats(bias) == (0..<64).map { Float($0 + 64 * index) })
            }
            let projection = try encoder.entry("text_projection.weight")
            #expect(projection.isTransposed && projection.shape == [40, 64])
            #expect(floats(projection) == (0..<2560).map(Float.init))
        }
    }

    @Test func `configurations are read from shapes`() throws {
        try checkpoint(try lines("sdxl")) { store in
            let original = try original(store)
            let unet = original.unetConfig
            #expect(try unet.ints("block_out_channels") == [8, 16] && unet.int("layers_per_block") == 2)
            #expect(try unet.strings("down_block_types") == ["DownBlock2D", "CrossAttnDownBlock2D"])
            #expect(try unet.strings("up_block_types") == ["CrossAttnUpBlock2D", "UpBlock2D"])
            #expect(try unet.ints("transformer_layers_per_block") == [1, 2])
            #expect(try unet.int("cross_attention_dim") == 64 && unet.int("in_channels") == 4)
            #expect(try unet.int("projection_class_embeddings_input_dim") == 88)
            let text = try #require(original.textEncoder2Config)
            #expect(try text.int("hidden_size") == 64 && text.int("num_hidden_layers") == 11)
            #expect(try text.int("projection_dim") == 40 && text.string("hidden_act") == "gelu")
        }
        try checkpoint(try lines("sd1")) { store in
            let original = try original(store)
            let vae = original.vaeConfig
            #expect(try vae.ints("block_out_channels") == [8, 16, 16] && vae.int("layers_per_block") == 2)
            #expect(try vae.int("latent_channels") == 4 && vae.double("scaling_factor") == 0.18215)
            #expect(try original.unetConfig.ints("block_out_channels") == [8, 16, 24])
            #expect(try original.textEncoderConfig.int("vocab_size") == 48 && original.textEncoder2Config == nil)
        }
    }

    private func lines(_ kind: String, and names: [String]) throws -> [Line] {
        try lines(kind) + names.map { Line(name: $0, part: "", renamed: "", shape: [1], renamedShape: []) }
    }

    @Test(arguments: ["sd1", "sd2", "sdxl"]) func `what lies beyond the parts is ignored, and within a part refused`(
        _ kind: String
    ) throws {
        let extras = ["bundle_emb.x.string_to_param.*", "control_model.x", "epoch", "model_emb.x"]
        try checkpoint(try lines(kind, and: extras)) { store in
            let ignored = try original(store).ignored
            #expect(ignored == extras)
        }
        for prefix in ["model.diffusion_model.", "first_stage_model."] {
            try checkpoint(try lines(kind, and: [prefix + "stray.weight"])) { store in
                let error = #expect(throws: CheckpointError.self) { _ = try OriginalCheckpoint(store) }
                #expect(error == .unused(file: store.source, prefix: prefix, tensors: ["stray.weight"]))
            }
        }
    }

    @Test func `markers beside the weights decide the scheduler`() throws {
        func scheduler(_ kind: String, _ markers: [String]) throws -> ConfigObject {
            try checkpoint(try lines(kind, and: markers)) { store in
                let original = try original(store)
                #expect(original.ignored == [])
                return original.schedulerConfig
            }
        }
        for kind in ["sd1", "sd2", "sdxl"] {
            for marker in ["v_pred", "model.diffusion_model.v_pred"] {
                let prediction = try scheduler(kind, [marker]).string("prediction_type")
                #expect(prediction == "v_prediction")
            }
            for marker in ["ztsnr", "model.diffusion_model.ztsnr"] {
                let rescales = try scheduler(kind, [marker]).bool("rescale_betas_zero_snr")
                #expect(rescales)
            }
            let rescales = try scheduler(kind, []).bool("rescale_betas_zero_snr")
            #expect(!rescales)
            let prediction = try scheduler(kind, []).string("prediction_type")
            #expect(prediction == (kind == "sd2" ? "v_prediction" : "epsilon"))
        }
    }

    /// An SD 2.x of two tensors, and `more` with their numbers.
    private func numbered(_ kind: String, _ more: [(String, String, [UInt8])]) throws -> ConfigObject? {
        let encoder = kind == "sd2" ? "cond_stage_model.model" : "conditioner.embedders.1.model"
        let tensors = [
            ("model.diffusion_model.input_blocks.0.0.weight", "F16", [0, 0] as [UInt8]),
            ("\(encoder).ln_final.weight", "F16", [0, 0]),
        ]
        var data: [UInt8] = []
        let entries = (tensors + more).map { name, type, bytes in
            data += bytes
            return
                #""\#(name)":{"dtype":"\#(type)","shape":[1],"data_offsets":[\#(data.count - bytes.count),\#(data.count)]}"#
        }
        return try withFolder { folder in
            try write(safetensors("{\(entries.joined(separator: ","))}", data: 0) + data, "\(folder)/m.safetensors")
            return try OriginalCheckpoint(CheckpointStore(path: "\(folder)/m.safetensors"))?.schedulerConfig
        }
    }

    private func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    @Test func `the steps of its training tell which SD 2 it is`() throws {
        for (step, prediction) in [(875_000, "epsilon"), (110_000, "v_prediction"), (-1, "v_prediction")] {
            for (type, number) in [
                ("I64", bytes(Int64(step))), ("I32", bytes(Int32(step))), ("F32", bytes(Float(step).bitPattern)),
                ("F64", bytes(Double(step).bitPattern)),
            ] {
                let found = try numbered("sd2", [("global_step", type, number)])?.string("prediction_type")
                #expect(found == prediction, "\(type) \(step)")
            }
        }
    }

    @Test func `levels of EDM are read from the file in every type`() throws {
        for (type, most, least) in [
            ("F64", bytes(Double(120).bitPattern), bytes(Double(0.5).bitPattern)),
            ("F32", bytes(Float(120).bitPattern), bytes(Float(0.5).bitPattern)),
            ("F16", bytes(UInt16(0x5780)), bytes(UInt16(0x3800))),
            ("BF16", bytes(UInt16(0x42F0)), bytes(UInt16(0x3F00))),
        ] {
            let markers = [("edm_vpred.sigma_max", type, most), ("edm_vpred.sigma_min", type, least)]
            let config = try #require(try numbered("sdxl", markers))
            let levels = [try config.double("sigma_min"), try config.double("sigma_max")]
            #expect(levels == [0.5, 120], "\(type)")
            let words = [try config.string("_class_name"), try config.string("prediction_type")]
            #expect(words == ["EDMEulerScheduler", "v_prediction"])
        }
        for most in [0, -1, Float.infinity, .nan] {
            let markers = [("edm_vpred.sigma_max", "F32", bytes(most.bitPattern))]
            #expect(throws: CheckpointError.self) { _ = try numbered("sdxl", markers) }
        }
    }

    @Test func `the encoder of an SD 2 is found under every prefix that it has`() throws {
        let lines = try lines("sd2").map { line in
            let name = line.name.replacingOccurrences(of: "cond_stage_model.", with: "conditioner.embedders.0.")
            return Line(
                name: name, part: line.part, renamed: line.renamed, shape: line.shape, renamedShape: line.renamedShape)
        }
        try checkpoint(lines) { store in
            #expect(store.otherKind == nil)
            let original = try original(store)
            #expect(original.kind == .sd2 && original.ignored == [])
            #expect(
                original.textEncoder.names.sorted()
                    == lines.filter { $0.part == "text_encoder" }.map(\.renamed).sorted())
        }
    }

    @Test func `other layouts are not original checkpoints`() throws {
        let store = try CheckpointStore(path: golden("small.safetensors"))
        let found = try OriginalCheckpoint(store)
        #expect(found == nil)
    }

    @Test func `old attention names of the autoencoder become today's`() throws {
        try withFolder { folder in
            let old = "decoder.mid_block.attentions.0"
            try write(
                safetensors([
                    ("\(old).query.weight", [4, 4]), ("\(old).key.bias", [4]), ("\(old).value.weight", [4, 4, 1, 1]),
                    ("\(old).proj_attn.weight", [4, 4]), ("\(old).group_norm.weight", [4]), ("query.key.weight", [2]),
                ]), "\(folder)/model.safetensors")
            let store = try CheckpointStore(path: folder).withCurrentAttentionNames()
            #expect(
                store.names.sorted() == [
                    "\(old).group_norm.weight", "\(old).to_k.bias", "\(old).to_out.0.weight", "\(old).to_q.weight",
                    "\(old).to_v.weight", "query.key.weight",
                ])
            #expect(store.shape("\(old).to_v.weight") == [4, 4])
        }
    }

    @Test func `a cut that does not fit is a typed error`() throws {
        try withFolder { folder in
            try write(safetensors([("a", [4]), ("b", [2, 2, 2])]), "\(folder)/model.safetensors")
            let store = try CheckpointStore(path: folder)
            for source in [
                TensorSource("a", part: .init(index: 0, of: 3)), TensorSource("a", transposed: true),
                TensorSource("b", rank: 2), TensorSource("absent"),
            ] {
                #expect(throws: CheckpointError.self) { try store.renamed(["x": source]) }
            }
        }
    }
}
