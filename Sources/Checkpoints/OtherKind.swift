// Files that lie in folders of models and are none: named for what they are.
//
// Names   the state dictionaries of the repositories; diffusers `infer_diffusers_model_type` looks at the same ones

/// What a file is that is not a diffusion model with all its parts; the raw value names it.
package enum OtherKind: String, Sendable, CaseIterable {
    case lora = "a LoRA"
    case controlNet = "a ControlNet"
    case embedding = "a textual-inversion embedding"
    case upscaler = "an upscaler"
    case flux = "a Flux model"
    case sd3 = "a Stable Diffusion 3 model"
    case refiner = "an SDXL refiner"
    case vae = "a VAE alone"
    case textEncoder = "a text encoder alone"
    case unet = "a UNet alone"
    case playground = "a model with EDM preconditioning and latents of its own (Playground v2.5)"

    var remedy: String {
        switch self {
        case .lora, .controlNet, .embedding: "it changes another model: name a whole checkpoint"
        case .vae, .textEncoder, .unet: "use a checkpoint that holds all its parts"
        case .upscaler: "it enlarges pictures: name a diffusion model"
        case .flux, .sd3, .playground: "use a Stable Diffusion 1.x, 2.x or XL"
        case .refiner: "use the base model"
        }
    }
}

extension CheckpointStore {
    /// What this file is when it is no whole diffusion model; nil for one, and for what nobody knows. O(number of tensors).
    package var otherKind: OtherKind? {
        let names = Array(names)
        func has(_ prefixes: String...) -> Bool {
            names.contains { name in
                prefixes.contains { name.hasPrefix($0) || name.hasPrefix("model.diffusion_model." + $0) }
            }
        }
        if names.contains(where: { name in
            [".lora_down.weight", ".lora_up.weight", ".lora_A.weight", ".lora.down.weight", ".hada_w1_a", ".lokr_w1"]
                .contains { name.hasSuffix($0) }
        }) {
            return .lora
        }
        if has("double_blocks.0.img_attn.", "transformer_blocks.0.norm1_context.linear.") && !has("joint_blocks.") {
            return has("single_blocks.0.", "single_transformer_blocks.0.") ? .flux : .sd3
        }
        if has("joint_blocks.0.") { return .sd3 }
        if contains("model.diffusion_model.input_blocks.0.0.weight") {
            if names.contains(where: { $0 == "edm_mean" }) { return .playground }
            let isRefiner =
                contains("model.diffusion_model.label_emb.0.0.weight") && !has("conditioner.embedders.1.")
                && has("conditioner.embedders.0.model.")
            if isRefiner { return .refiner }
            return has("cond_stage_model.", "conditioner.", "text_encoders.") ? nil : .unet
        }
        if has("control_model.", "controlnet_cond_embedding.", "input_hint_block.") { return .controlNet }
        if has("emb_params", "string_to_param") || (names.count <= 2 && has("clip_l", "clip_g")) { return .embedding }
        if has("decoder.mid.block_1.", "decoder.mid_block.", "first_stage_model.decoder.") { return .vae }
        if has("body.0.rdb1.", "model.0.", "model.1.sub.", "conv_first.", "body.0.weight") { return .upscaler }
        if has("text_model.", "transformer.resblocks.") { return .textEncoder }
        if has("input_blocks.0.0.", "down_blocks.0.resnets.") { return .unet }
        return nil
    }
}
