// Configurations of original checkpoints, which bring none: what shapes tell is read from them, the rest is the family's.
//
// Reference   config.json of runwayml/stable-diffusion-v1-5, stabilityai/stable-diffusion-2-1, stable-diffusion-xl-base-1.0

import JSON

extension OriginalCheckpoint {
    /// What diffusers would write as `unet/config.json`. Head sizes cannot be read from shapes: SD 1.x has 8 heads
    /// everywhere, the others heads of 64.
    package var unetConfig: ConfigObject {
        let shapes = Shapes(unet)
        let widths = shapes.widths("down_blocks", "resnets.0.conv1.weight")
        let depths = widths.indices.map { shapes.depth("down_blocks.\($0).attentions.0.transformer_blocks") }
        let attends = depths.map { $0 > 0 }
        var members: [String: JSON] = [
            "_class_name": .string("UNet2DConditionModel"),
            "in_channels": .int(shapes.axis(1, "conv_in.weight")),
            "out_channels": .int(shapes.axis(0, "conv_out.weight")),
            "sample_size": .int(kind == .sd1 ? 64 : kind == .sd2 ? 96 : 128),
            "block_out_channels": .array(widths.map(JSON.int)),
            "layers_per_block": .int(shapes.depth("down_blocks.0.resnets")),
            "down_block_types": .array(attends.map { .string($0 ? "CrossAttnDownBlock2D" : "DownBlock2D") }),
            "mid_block_type": .string("UNetMidBlock2DCrossAttn"),
            "up_block_types": .array(attends.reversed().map { .string($0 ? "CrossAttnUpBlock2D" : "UpBlock2D") }),
            "transformer_layers_per_block": .array(depths.map { .int(max($0, 1)) }),
            "attention_head_dim": .array(widths.map { .int(kind == .sd1 ? 8 : max($0 / 64, 1)) }),
            "use_linear_projection": .bool(kind != .sd1),
            "norm_num_groups": .int(32),
        ]
        if let block = attends.firstIndex(of: true) {
            let key = "down_blocks.\(block).attentions.0.transformer_blocks.0.attn2.to_k.weight"
            members["cross_attention_dim"] = .int(shapes.axis(1, key))
        }
        if unet.contains("add_embedding.linear_1.weight") {
            members["addition_embed_type"] = .string("text_time")
            members["addition_time_embed_dim"] = .int(256)
            members["projection_class_embeddings_input_dim"] = .int(shapes.axis(1, "add_embedding.linear_1.weight"))
        }
        return config("unet", members)
    }

    /// What diffusers would write as `vae/config.json`.
    package var vaeConfig: ConfigObject { Self.vaeConfig(vae, scale: kind == .sdxl ? 0.13025 : 0.18215) }

    /// The same of an autoencoder alone, under diffusers' names; its latents are scaled by `scale`.
    package static func vaeConfig(_ vae: CheckpointStore, scale: Double) -> ConfigObject {
        let shapes = Shapes(vae)
        let widths = shapes.widths("encoder.down_blocks", "resnets.0.conv1.weight")
        return ConfigObject(
            file: "\(vae.source) (vae)",
            members: [
                "_class_name": .string("AutoencoderKL"),
                "in_channels": .int(shapes.axis(1, "encoder.conv_in.weight")),
                "out_channels": .int(shapes.axis(0, "decoder.conv_out.weight")),
                "latent_channels": .int(shapes.axis(1, "decoder.conv_in.weight")),
                "block_out_channels": .array(widths.map(JSON.int)),
                "down_block_types": .array(widths.map { _ in .string("DownEncoderBlock2D") }),
                "up_block_types": .array(widths.map { _ in .string("UpDecoderBlock2D") }),
                "layers_per_block": .int(shapes.depth("encoder.down_blocks.0.resnets")),
                "norm_num_groups": .int(32),
                "act_fn": .string("silu"),
                "scaling_factor": .double(scale),
            ])
    }

    /// What transformers would write as `text_encoder/config.json`.
    package var textEncoderConfig: ConfigObject {
        textConfig("text_encoder", textEncoder, activation: kind == .sd2 ? "gelu" : "quick_gelu")
    }

    /// What transformers would write as `text_encoder_2/config.json`; nil where there is no second encoder.
    package var textEncoder2Config: ConfigObject? {
        kind == .sdxl ? textConfig("text_encoder_2", textEncoder2, activation: "gelu") : nil
    }

    /// What diffusers would write as `scheduler/scheduler_config.json`. An SD 2.x is the model on ε when it was trained for
    /// 875000 steps, as diffusers has it, and else the one on v.
    package var schedulerConfig: ConfigObject {
        if let edm = markers.edm {
            return config(
                "scheduler",
                [
                    "_class_name": .string("EDMEulerScheduler"), "prediction_type": .string("v_prediction"),
                    "sigma_min": .double(edm.lowerBound), "sigma_max": .double(edm.upperBound),
                    "sigma_data": .double(1),
                    "sigma_schedule": .string("exponential"), "num_train_timesteps": .int(1000),
                ])
        }
        let isVelocity = markers.isVelocity || (kind == .sd2 && markers.step != 875_000)
        let name = kind == .sd1 ? "PNDMScheduler" : kind == .sd2 ? "DDIMScheduler" : "EulerDiscreteScheduler"
        return config(
            "scheduler",
            [
                "_class_name": .string(markers.hasZeroTerminalSignal && kind == .sd1 ? "DDIMScheduler" : name),
                "beta_start": .double(0.00085), "beta_end": .double(0.012), "beta_schedule": .string("scaled_linear"),
                "num_train_timesteps": .int(1000), "steps_offset": .int(1), "timestep_spacing": .string("leading"),
                "prediction_type": .string(isVelocity ? "v_prediction" : "epsilon"),
                "rescale_betas_zero_snr": .bool(markers.hasZeroTerminalSignal),
                "set_alpha_to_one": .bool(false), "skip_prk_steps": .bool(true), "clip_sample": .bool(false),
            ])
    }

    private func textConfig(_ part: String, _ store: CheckpointStore, activation: String) -> ConfigObject {
        let shapes = Shapes(store)
        let tokens = "text_model.embeddings.token_embedding.weight"
        let width = shapes.axis(1, tokens)
        let hasProjection = store.contains("text_projection.weight")
        return config(
            part,
            [
                "architectures": .array([.string(hasProjection ? "CLIPTextModelWithProjection" : "CLIPTextModel")]),
                "hidden_size": .int(width),
                "intermediate_size": .int(shapes.axis(0, "text_model.encoder.layers.0.mlp.fc1.weight")),
                "num_attention_heads": .int(max(width / 64, 1)),
                "num_hidden_layers": .int(shapes.depth("text_model.encoder.layers")),
                "vocab_size": .int(shapes.axis(0, tokens)),
                "max_position_embeddings": .int(shapes.axis(0, "text_model.embeddings.position_embedding.weight")),
                "projection_dim": .int(hasProjection ? shapes.axis(0, "text_projection.weight") : width),
                "hidden_act": .string(activation), "layer_norm_eps": .double(1e-5),
                "bos_token_id": .int(0), "eos_token_id": .int(2), "pad_token_id": .int(1),
            ])
    }

    private func config(_ part: String, _ members: [String: JSON]) -> ConfigObject {
        ConfigObject(file: "\(unet.source) (\(part))", members: members)
    }
}

/// Sizes read from the names and shapes of a store; 0 for what is absent, which the model's own checks refuse.
private struct Shapes {
    let store: CheckpointStore
    private let names: [String]

    init(_ store: CheckpointStore) {
        self.store = store
        names = Array(store.names)
    }

    func axis(_ axis: Int, _ name: String) -> Int {
        guard let shape = store.shape(name), axis < shape.count else { return 0 }
        return shape[axis]
    }

    /// How many numbered modules stand directly under `prefix`.
    func depth(_ prefix: String) -> Int {
        var places: Set<Substring> = []
        for name in names where name.hasPrefix(prefix + ".") {
            places.insert(name.dropFirst(prefix.count + 1).prefix { $0 != "." })
        }
        return places.count
    }

    /// Output channels of `module` in every block of `list`.
    func widths(_ list: String, _ module: String) -> [Int] {
        (0..<depth(list)).map { axis(0, "\(list).\($0).\(module)") }
    }
}
