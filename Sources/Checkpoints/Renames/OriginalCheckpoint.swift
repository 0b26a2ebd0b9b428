// A single-file Stable Diffusion checkpoint taken apart into the models that diffusers keeps in folders.

/// A checkpoint of the original layout (SD 1.x, SD 2.x, SDXL) with diffusers' and transformers' tensor names.
package struct OriginalCheckpoint: Sendable {
    package let kind: Kind
    package let unet: CheckpointStore
    package let vae: CheckpointStore
    package let textEncoder: CheckpointStore
    /// SDXL's second encoder; empty for the others.
    package let textEncoder2: CheckpointStore
    /// Tensors that belong to no model and are not known to be superfluous, sorted.
    package let unclaimed: [String]
    /// The file marks itself as trained on v (an empty tensor `v_pred`, as ComfyUI reads it).
    package let isMarkedVelocity: Bool

    /// The family of a checkpoint, which decides its layout and the parts of its configuration that shapes cannot tell.
    package enum Kind: String, Sendable { case sd1, sd2, sdxl }

    private static let unetPrefix = "model.diffusion_model."

    /// The kind of an original checkpoint; nil for every other layout. O(number of tensors).
    package static func kind(of store: CheckpointStore) -> Kind? {
        guard store.contains(unetPrefix + "input_blocks.0.0.weight") else { return nil }
        let names = store.names
        if names.contains(where: { $0.hasPrefix("conditioner.embedders.1.model.") }) { return .sdxl }
        if names.contains(where: { $0.hasPrefix("cond_stage_model.model.") }) { return .sd2 }
        if names.contains(where: { $0.hasPrefix("cond_stage_model.transformer.") }) { return .sd1 }
        // A UNet alone: the width of the text condition tells (768, 1024, 2048).
        switch names.lazy.filter({ $0.hasSuffix(".attn2.to_k.weight") }).compactMap({ store.shape($0)?.last }).first {
        case 768: return .sd1
        case 1024: return .sd2
        case 2048: return .sdxl
        default: return nil
        }
    }

    /// Takes `store` apart; nil when it is not of an original layout.
    package init?(_ store: CheckpointStore) throws(CheckpointError) {
        guard let kind = Self.kind(of: store) else { return nil }
        self.kind = kind
        var claimed: Set<String> = []
        func part(
            _ prefixes: [String], _ table: (CheckpointStore) -> [String: TensorSource]
        ) throws(CheckpointError) -> CheckpointStore {
            for prefix in prefixes {
                let part = store.dropping(prefix: prefix)
                guard part.count > 0 else { continue }
                let sources = table(part)
                claimed.formUnion(sources.values.lazy.map { prefix + $0.name })
                return try part.renamed(sources)
            }
            return CheckpointStore(source: store.source, records: [:])
        }
        unet = try part([Self.unetPrefix]) { OriginalUNet.table($0.names) }
        vae = try part(["first_stage_model.", "vae."]) { OriginalVAE.table($0.names) }
        let openCLIP = { (part: CheckpointStore) in OriginalText.openCLIP(part.names, penultimate: kind == .sd2) }
        switch kind {
        case .sd1, .sdxl:
            let prefixes = ["cond_stage_model.transformer.", "conditioner.embedders.0.transformer."]
            textEncoder = try part(prefixes) { OriginalText.clip($0.names) }
            textEncoder2 = try part(["conditioner.embedders.1.model."], openCLIP)
        case .sd2:
            textEncoder = try part(["cond_stage_model.model."], openCLIP)
            textEncoder2 = CheckpointStore(source: store.source, records: [:])
        }
        unclaimed = store.names.filter { !claimed.contains($0) && !Self.isSuperfluous($0) }.sorted()
        isMarkedVelocity = store.contains("v_pred")
    }

    /// Known tensors that carry no weights of the model: noise schedules, averages kept for training, unused heads.
    private static func isSuperfluous(_ name: String) -> Bool {
        let schedule = [
            "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod",
            "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
            "posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2",
            "model_ema.decay", "model_ema.num_updates", "lvlb_weights", "scale_factor", "global_step", "v_pred",
            "ztsnr",
            "denoiser.sigmas",
        ]
        return schedule.contains(name) || name.hasPrefix("model_ema.") || name.hasPrefix("first_stage_model.loss.")
            || name.hasSuffix("position_ids") || name.hasSuffix("logit_scale")
            || name.hasPrefix("cond_stage_model.model.transformer.resblocks.23.")
            || name == "cond_stage_model.model.text_projection" || name.hasSuffix(".model.attn_mask")
    }
}

extension CheckpointStore {
    /// Whether this is an autoencoder alone under its original names.
    package var isOriginalVAE: Bool { contains("decoder.mid.block_1.norm1.weight") }

    /// An autoencoder alone, renamed from its original to diffusers' names.
    package func withDiffusersVAENames() throws(CheckpointError) -> CheckpointStore {
        try renamed(OriginalVAE.table(names))
    }
}
