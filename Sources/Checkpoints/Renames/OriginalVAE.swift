// Names of the autoencoder in single-file Stable Diffusion checkpoints, and diffusers' names for the same tensors.
//
// Reference   diffusers `convert_ldm_vae_checkpoint`
// The decoder's `up` counts from the highest resolution, diffusers' `up_blocks` from the lowest. Attention was built of
// 1×1 convolutions and is built of linear layers.

enum OriginalVAE {
    static let modules: [ModuleName] = [
        ("conv_in", "conv_in"), ("norm_out", "conv_norm_out"), ("conv_out", "conv_out"),
        ("mid.block_1", "mid_block.resnets.0"), ("mid.block_2", "mid_block.resnets.1"),
    ]
    static let attentionModules: [ModuleName] = [
        ("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0"),
    ]

    /// diffusers' names for the autoencoder tensors among `names`, from which `first_stage_model.` was dropped.
    static func table(_ names: some Collection<String>) -> [String: TensorSource] {
        let levels = levels(names)
        var table: [String: TensorSource] = [:]
        for name in names {
            let words = name.split(separator: ".", maxSplits: 1)
            guard words.count == 2 else { continue }
            let (half, rest) = (words[0], String(words[1]))
            switch half {
            case "encoder", "decoder":
                if let renamed = half == "encoder" ? down(rest) : up(rest, levels) {
                    table["\(half).\(renamed)"] = TensorSource(name)
                } else if rest.hasPrefix("mid.attn_1.") {
                    guard let renamed = rename(String(rest.dropFirst(11)), attentionModules) else { continue }
                    let isMatrix = renamed.hasPrefix("to_") && renamed.hasSuffix(".weight")
                    table["\(half).mid_block.attentions.0.\(renamed)"] = TensorSource(name, rank: isMatrix ? 2 : nil)
                } else if let renamed = rename(rest, modules) {
                    table["\(half).\(shortcut(renamed))"] = TensorSource(name)
                }
            case "quant_conv", "post_quant_conv": table[name] = TensorSource(name)
            default: break
            }
        }
        return table
    }

    /// Number of resolutions of the decoder.
    private static func levels(_ names: some Collection<String>) -> Int {
        var highest = -1
        for name in names where name.hasPrefix("decoder.up.") {
            let words = name.split(separator: ".", maxSplits: 3)
            if words.count == 4, let level = Int(words[2]), level < 64 { highest = max(highest, level) }
        }
        return highest + 1
    }

    private static func down(_ rest: String) -> String? {
        guard let (level, module) = split(rest, "down") else { return nil }
        return resolution(module, "down_blocks.\(level)", sampler: "downsample", "downsamplers.0")
    }

    private static func up(_ rest: String, _ levels: Int) -> String? {
        guard let (level, module) = split(rest, "up"), level < levels else { return nil }
        return resolution(module, "up_blocks.\(levels - 1 - level)", sampler: "upsample", "upsamplers.0")
    }

    private static func split(_ rest: String, _ list: String) -> (level: Int, module: String)? {
        let words = rest.split(separator: ".", maxSplits: 2)
        guard words.count == 3, words[0] == list, let level = Int(words[1]), level >= 0 else { return nil }
        return (level, String(words[2]))
    }

    private static func resolution(_ module: String, _ block: String, sampler: String, _ renamed: String) -> String? {
        rename(module, [("block", "\(block).resnets"), (sampler, "\(block).\(renamed)")]).map(shortcut)
    }

    private static func shortcut(_ name: String) -> String {
        let words = name.split(separator: ".", omittingEmptySubsequences: false)
        return words.map { $0 == "nin_shortcut" ? "conv_shortcut" : $0 }.joined(separator: ".")
    }
}
