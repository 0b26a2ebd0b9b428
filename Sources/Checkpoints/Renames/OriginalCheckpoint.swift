// A single-file Stable Diffusion checkpoint taken apart into the models that diffusers keeps in folders.

/// A checkpoint of the original layout (SD 1.x, SD 2.x, SDXL) with diffusers' and transformers' tensor names.
package struct OriginalCheckpoint: Sendable {
    package let kind: Kind
    package let unet: CheckpointStore
    package let vae: CheckpointStore
    package let textEncoder: CheckpointStore
    /// SDXL's second encoder; empty for the others.
    package let textEncoder2: CheckpointStore
    /// Tensors beyond the parts that are not known to be superfluous, sorted: they are left out.
    package let ignored: [String]
    /// What the file says of its training beside the weights.
    package let markers: Markers

    /// Facts that single files carry as tensors without a place in any network; ComfyUI reads the same.
    package struct Markers: Sendable, Equatable {
        /// `v_pred`: trained on v.
        package var isVelocity = false
        /// `ztsnr`: trained with no signal at the last timestep.
        package var hasZeroTerminalSignal = false
        /// `edm_vpred.sigma_max` and `sigma_min`: EDM's preconditioning around v, as CosXL's.
        package var edm: ClosedRange<Double>?
        /// `global_step`: training steps.
        package var step: Int?
    }

    /// The family of a checkpoint, which decides its layout and the parts of its configuration that shapes cannot tell.
    package enum Kind: String, Sendable { case sd1, sd2, sdxl }

    private static let unetPrefix = "model.diffusion_model."

    /// Where the text encoders of a kind may stand, the first of the model's first.
    private static let clipPrefixes = ["cond_stage_model.transformer.", "conditioner.embedders.0.transformer."]
    private static let openCLIPPrefixes = ["cond_stage_model.model.", "conditioner.embedders.0.model."]
    private static let secondPrefix = "conditioner.embedders.1.model."
    private static let vaePrefixes = ["first_stage_model.", "vae."]

    /// The kind of an original checkpoint; nil for every other layout. O(number of tensors).
    package static func kind(of store: CheckpointStore) -> Kind? {
        guard store.contains(unetPrefix + "input_blocks.0.0.weight") else { return nil }
        let names = store.names
        func has(_ prefixes: [String]) -> Bool { names.contains { name in prefixes.contains { name.hasPrefix($0) } } }
        if has([secondPrefix]) { return .sdxl }
        if has(openCLIPPrefixes) { return .sd2 }
        if has(clipPrefixes) { return .sd1 }
        // A UNet alone: the width of the text condition tells (768, 1024, 2048).
        switch names.lazy.filter({ $0.hasSuffix(".attn2.to_k.weight") }).compactMap({ store.shape($0)?.last }).first {
        case 768: return .sd1
        case 1024: return .sd2
        case 2048: return .sdxl
        default: return nil
        }
    }

    /// Takes `store` apart; nil when it is not of an original layout. Within a part every tensor has its place, or the file
    /// is refused (`unused`); what lies beyond the parts is ignored.
    package init?(_ store: CheckpointStore) throws(CheckpointError) {
        guard let kind = Self.kind(of: store) else { return nil }
        self.kind = kind
        var prefixes: [String] = []
        func part(
            _ choices: [String], _ table: (CheckpointStore) -> [String: TensorSource]
        ) throws(CheckpointError) -> CheckpointStore {
            for prefix in choices {
                let part = store.dropping(prefix: prefix)
                guard part.count > 0 else { continue }
                let sources = table(part)
                let claimed = Set(sources.values.lazy.map(\.name))
                let left = part.names.filter { !claimed.contains($0) && !Self.isSuperfluous($0, within: prefix) }
                guard left.isEmpty else { throw .unused(file: store.source, prefix: prefix, tensors: left.sorted()) }
                prefixes.append(prefix)
                return try part.renamed(sources)
            }
            return CheckpointStore(source: store.source, records: [:])
        }
        unet = try part([Self.unetPrefix]) { OriginalUNet.table($0.names) }
        vae = try part(Self.vaePrefixes) { OriginalVAE.table($0.names) }
        let openCLIP = { (part: CheckpointStore) in OriginalText.openCLIP(part.names, penultimate: kind == .sd2) }
        switch kind {
        case .sd1, .sdxl:
            textEncoder = try part(Self.clipPrefixes) { OriginalText.clip($0.names) }
            textEncoder2 = try part([Self.secondPrefix], openCLIP)
        case .sd2:
            textEncoder = try part(Self.openCLIPPrefixes, openCLIP)
            textEncoder2 = CheckpointStore(source: store.source, records: [:])
        }
        ignored = store.names.filter { name in
            !prefixes.contains { name.hasPrefix($0) } && !Self.isSuperfluous(name)
        }.sorted()
        markers = try Markers(store)
    }

    /// Known tensors beyond the parts: markers, noise schedules, averages kept for training.
    private static func isSuperfluous(_ name: String) -> Bool {
        let known = [
            "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod",
            "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
            "posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2",
            "lvlb_weights", "scale_factor", "global_step", "v_pred", "ztsnr", "edm_vpred.sigma_max",
            "edm_vpred.sigma_min", "denoiser.sigmas", "scaled_fp8", "logit_scale",
        ]
        return known.contains(name) || name.hasPrefix("model_ema.") || name.hasSuffix("logit_scale")
    }

    /// Tensors of a part that its network does without: heads and losses of training, and what is known to be unused.
    private static func isSuperfluous(_ name: String, within prefix: String) -> Bool {
        if name.hasSuffix("position_ids") || name.hasSuffix("logit_scale") || name == "attn_mask" { return true }
        if ["scaled_fp8", "v_pred", "ztsnr"].contains(name) { return true }
        if vaePrefixes.contains(prefix) { return name.hasPrefix("loss.") || name.hasPrefix("model_ema.") }
        guard openCLIPPrefixes.contains(prefix) else { return false }
        return name.hasPrefix("transformer.resblocks.23.") || name == "text_projection"
    }
}

extension OriginalCheckpoint.Markers {
    fileprivate init(_ store: CheckpointStore) throws(CheckpointError) {
        func has(_ name: String) -> Bool { store.contains(name) || store.contains("model.diffusion_model." + name) }
        isVelocity = has("v_pred")
        hasZeroTerminalSignal = has("ztsnr")
        if let most = try store.number("edm_vpred.sigma_max") {
            let least = try store.number("edm_vpred.sigma_min") ?? 0.002
            guard least > 0, least < most, most.isFinite else {
                throw .malformed(file: store.source, .levels(least, most))
            }
            edm = least...most
        }
        step = try store.number("global_step").flatMap { Int(exactly: $0) }
    }
}

extension CheckpointStore {
    /// The number in a tensor of one element; nil when there is no such tensor or it is no number.
    fileprivate func number(_ name: String) throws(CheckpointError) -> Double? {
        guard contains(name) else { return nil }
        let entry = try entry(name)
        guard entry.bytes.count == entry.type.block.bytes else { return nil }
        return withExtendedLifetime(entry.file) {
            switch entry.type {
            case .f64: Double(bitPattern: entry.bytes.loadUnaligned(as: UInt64.self))
            case .f32: Double(entry.bytes.loadUnaligned(as: Float.self))
            case .f16: Double(float16: entry.bytes.loadUnaligned(as: UInt16.self))
            case .bf16: Double(Float(bitPattern: UInt32(entry.bytes.loadUnaligned(as: UInt16.self)) << 16))
            case .i64: Double(entry.bytes.loadUnaligned(as: Int64.self))
            case .i32: Double(entry.bytes.loadUnaligned(as: Int32.self))
            default: nil
            }
        }
    }
}

extension Double {
    fileprivate init(float16 bits: UInt16) {
        let exponent = Int(bits >> 10 & 0x1F), fraction = Double(bits & 0x3FF) / 1024
        let size: Double =
            switch exponent {
            case 0: fraction * 0x1p-14
            case 31: fraction == 0 ? .infinity : .nan
            default: Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
            }
        self = bits & 0x8000 == 0 ? size : -size
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
