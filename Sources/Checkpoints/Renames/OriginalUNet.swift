// Names of the UNet in single-file Stable Diffusion checkpoints, and diffusers' names for the same tensors.
//
// Reference   diffusers `convert_ldm_unet_checkpoint`
// Originally all stages of the way down stand in one list `input_blocks` (0 is the first convolution), and those of the
// way up in `output_blocks`; diffusers groups them into blocks of one resolution. Inside a transformer all names agree.

/// A pair of names for one module.
typealias ModuleName = (original: String, diffusers: String)

enum OriginalUNet {
    static let modules: [ModuleName] = [
        ("time_embed.0", "time_embedding.linear_1"), ("time_embed.2", "time_embedding.linear_2"),
        ("label_emb.0.0", "add_embedding.linear_1"), ("label_emb.0.2", "add_embedding.linear_2"),
        ("input_blocks.0.0", "conv_in"), ("out.0", "conv_norm_out"), ("out.2", "conv_out"),
    ]
    static let resnetModules: [ModuleName] = [
        ("in_layers.0", "norm1"), ("in_layers.2", "conv1"), ("emb_layers.1", "time_emb_proj"),
        ("out_layers.0", "norm2"), ("out_layers.3", "conv2"), ("skip_connection", "conv_shortcut"),
    ]

    /// diffusers' names for the UNet tensors among `names`, from which `model.diffusion_model.` was dropped.
    static func table(_ names: some Collection<String>) -> [String: TensorSource] {
        let known = Set(names)
        let perBlock = stagesPerBlock(known)
        var table: [String: TensorSource] = [:]
        for name in names {
            let words = name.split(separator: ".")
            let renamed =
                switch words.first {
                case "input_blocks" where !name.hasPrefix("input_blocks.0."): input(words, perBlock)
                case "middle_block": middle(words)
                case "output_blocks": output(words, perBlock)
                default: rename(name, modules)
                }
            if let renamed { table[renamed] = TensorSource(name) }
        }
        return table
    }

    /// Layers of one resolution, and the step that leads to the next: the first `op` ends the first block.
    static func stagesPerBlock(_ names: Set<String>) -> Int {
        var stage = 1
        while names.contains("input_blocks.\(stage).0.in_layers.0.weight") { stage += 1 }
        return stage
    }

    private static func input(_ words: [Substring], _ perBlock: Int) -> String? {
        guard words.count > 3, let stage = Int(words[1]), stage > 0 else { return nil }
        let block = (stage - 1) / perBlock
        let layer = (stage - 1) % perBlock
        let rest = words[3...].joined(separator: ".")
        switch words[2] {
        case "0" where words[3] == "op": return "down_blocks.\(block).downsamplers.0.conv.\(words[4...].joined())"
        case "0": return resnet("down_blocks.\(block).resnets.\(layer)", rest)
        case "1": return "down_blocks.\(block).attentions.\(layer).\(rest)"
        default: return nil
        }
    }

    /// Resnets at even places and transformers between them.
    private static func middle(_ words: [Substring]) -> String? {
        guard words.count > 2, let place = Int(words[1]), place >= 0 else { return nil }
        let rest = words[2...].joined(separator: ".")
        return place % 2 == 0
            ? resnet("mid_block.resnets.\(place / 2)", rest) : "mid_block.attentions.\(place / 2).\(rest)"
    }

    private static func output(_ words: [Substring], _ perBlock: Int) -> String? {
        guard words.count > 3, let stage = Int(words[1]), stage >= 0 else { return nil }
        let block = stage / perBlock
        let layer = stage % perBlock
        let rest = words[3...].joined(separator: ".")
        switch words[2] {
        case "0": return resnet("up_blocks.\(block).resnets.\(layer)", rest)
        // The upsampler follows the transformer, or the resnet where there is none.
        case "1" where words[3] == "conv", "2" where words[3] == "conv":
            return "up_blocks.\(block).upsamplers.0.\(rest)"
        case "1": return "up_blocks.\(block).attentions.\(layer).\(rest)"
        default: return nil
        }
    }

    private static func resnet(_ prefix: String, _ rest: String) -> String? {
        rename(rest, resnetModules).map { "\(prefix).\($0)" }
    }
}

/// `name` with the module that it begins with renamed; nil when no module of `table` fits.
func rename(_ name: String, _ table: [ModuleName]) -> String? {
    for (original, diffusers) in table where name.hasPrefix(original + ".") {
        return diffusers + name.dropFirst(original.count)
    }
    return nil
}
