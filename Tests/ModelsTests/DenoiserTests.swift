import Checkpoints
import Models
import Tensor
import Testing
import Vocabulary

@Suite struct DenoiserTests {
    typealias Model = UNet2DConditionModel

    static func configuration(_ name: String, _ json: ConfigObject) throws -> Model.Configuration {
        name.hasPrefix("dreamlite") ? try .init(dreamLite: json) : try .init(json)
    }

    static func output(_ model: Model, _ golden: Golden) throws -> Tensor {
        let condition = model.condition(
            try golden["context"], mask: golden.has("mask") ? try golden["mask"] : nil,
            pooled: golden.has("pooled") ? try golden["pooled"] : nil,
            timeIDs: golden.has("time_ids") ? try golden["time_ids"][0].floats : [],
            guidance: golden.has("guidance") ? Double(try golden["guidance"].floats[0]) : 1)
        return model(try golden.image("latents"), timesteps: try golden["timesteps"].floats, condition)
    }

    @Test(arguments: goldens("unet", "dreamlite"))
    func `a denoiser agrees with diffusers`(name: String) throws {
        let golden = try Golden(name)
        let weights = try golden.weights()
        let model = try Model(weights, Self.configuration(name, golden.config))
        try weights.requireAllTaken()
        #expect(try Self.output(model, golden).error(against: golden.image("output")) < 2e-5)
    }

    @Test(arguments: goldens("unet", "dreamlite"))
    func `bf16 stays near f32`(name: String) throws {
        let golden = try Golden(name)
        let model = try Model(golden.weights(.bf16), Self.configuration(name, golden.config))
        #expect(try Self.output(model, golden).deviation(from: golden.image("output")) < 0.03)
    }

    @Test func `an unknown block is named`() throws {
        let json = try ConfigObject(Array(#"{"down_block_types": ["KDownBlock2D"]}"#.utf8), file: "config.json")
        #expect(
            throws: ConfigError.value(
                file: "config.json", key: "down_block_types", found: "KDownBlock2D",
                known: ["CrossAttnDownBlock2D", "DownBlock2D"])
        ) { _ = try Model.Configuration(json) }
    }

    @Test(arguments: [
        (#""class_embed_type": "timestep""#, "class_embed_type"), (#""num_class_embeds": 10"#, "num_class_embeds"),
        (#""dual_cross_attention": true"#, "dual_cross_attention"),
        (#""addition_embed_type": "image""#, "addition_embed_type"),
        (#""time_embedding_type": "fourier""#, "time_embedding_type"), (#""act_fn": "mish""#, "act_fn"),
        (#""mid_block_type": "UNetMidBlock2DSimpleCrossAttn""#, "mid_block_type"),
        (#""resnet_time_scale_shift": "ada_group""#, "resnet_time_scale_shift"),
    ])
    func `what the class has and Lazuli has not is refused by name`(text: String, key: String) throws {
        let json = try ConfigObject(Array("{\(text)}".utf8), file: "config.json")
        let error = #expect(throws: ConfigError.self) { _ = try Model.Configuration(json) }
        guard case .value(_, let found, _, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == key)
    }

    @Test func `DreamLite's class is refused where its attentions read padding`() throws {
        let json = try ConfigObject(Array(#"{"only_cross_attention": true}"#.utf8), file: "config.json")
        #expect(
            throws: ConfigError.value(
                file: "config.json", key: "only_cross_attention", found: "true", known: ["false"])
        ) { _ = try Model.Configuration(dreamLite: json) }
    }

    @Test(arguments: [
        (#""cross_attention_dim": [768, 1024, 768, 768]"#, "cross_attention_dim"),
        (#""transformer_layers_per_block": [[1, 2], 1, 1, 1]"#, "transformer_layers_per_block"),
        (
            #""transformer_layers_per_block": [[1], 1, 1, 1], "reverse_transformer_layers_per_block": 1"#,
            "transformer_layers_per_block"
        ),
        (#""reverse_transformer_layers_per_block": [1, 1]"#, "reverse_transformer_layers_per_block"),
    ])
    func `lists that do not fit the levels are refused by name`(text: String, key: String) throws {
        let json = try ConfigObject(Array("{\(text)}".utf8), file: "config.json")
        let error = #expect(throws: ConfigError.self) { _ = try Model.Configuration(json) }
        guard case .type(_, let found, _, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == key)
    }

    @Test func `sizes that do not divide are errors of the checkpoint`() throws {
        let golden = try Golden("unet-sd1")
        let json = try ConfigObject(
            Array(
                #"{"block_out_channels": [16, 32, 32], "attention_head_dim": 5, "norm_num_groups": 8, "layers_per_block": 1, "cross_attention_dim": 12, "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]}"#
                    .utf8), file: "config.json")
        #expect(throws: WeightError.self) { _ = try Model(golden.weights(), .init(json)) }
    }
}
