// Names of the text encoders in single-file Stable Diffusion checkpoints, and transformers' names for the same tensors.
//
// Reference   diffusers `convert_ldm_clip_checkpoint`, `convert_open_clip_checkpoint`
// SD 1.x and the first encoder of SDXL are transformers' own CLIP. SD 2.x and the second encoder of SDXL are OpenCLIP,
// which keeps the query, key and value projections in one matrix and the text projection as [width, projection].

enum OriginalText {
    static let openCLIPModules: [ModuleName] = [
        ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
        ("token_embedding.weight", "text_model.embeddings.token_embedding.weight"),
        ("ln_final.weight", "text_model.final_layer_norm.weight"),
        ("ln_final.bias", "text_model.final_layer_norm.bias"),
    ]
    static let openCLIPLayerModules: [ModuleName] = [
        ("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"),
        ("attn.out_proj", "self_attn.out_proj"),
    ]

    /// transformers' names for a CLIP whose prefix was dropped.
    static func clip(_ names: some Collection<String>) -> [String: TensorSource] {
        var table: [String: TensorSource] = [:]
        // `position_ids` is 0, 1, 2 …, kept by old versions.
        for name in names where !name.hasSuffix("position_ids") {
            let isBare =
                name.hasPrefix("embeddings.") || name.hasPrefix("encoder.") || name.hasPrefix("final_layer_norm.")
            table[isBare ? "text_model.\(name)" : name] = TensorSource(name)
        }
        return table
    }

    /// transformers' names for an OpenCLIP whose prefix was dropped; as diffusers does for SD 2.x, `penultimate` leaves
    /// out the projection and the last of the 24 layers, whose output is not used.
    static func openCLIP(_ names: some Collection<String>, penultimate: Bool) -> [String: TensorSource] {
        var table: [String: TensorSource] = [:]
        for name in names {
            if let module = openCLIPModules.first(where: { $0.original == name }) {
                table[module.diffusers] = TensorSource(name)
            } else if name == "text_projection" {
                if !penultimate { table["text_projection.weight"] = TensorSource(name, transposed: true) }
            } else if name.hasPrefix("transformer.resblocks.") {
                let words = name.split(separator: ".", maxSplits: 3)
                guard words.count == 4, let layer = Int(words[2]), !(penultimate && layer == 23) else { continue }
                table.merge(openCLIPLayer(String(words[3]), "text_model.encoder.layers.\(layer)", name)) { $1 }
            }
        }
        return table
    }

    private static func openCLIPLayer(_ rest: String, _ layer: String, _ name: String) -> [String: TensorSource] {
        switch rest {
        case "attn.in_proj_weight", "attn.in_proj_bias":
            let ending = rest == "attn.in_proj_weight" ? "weight" : "bias"
            var table: [String: TensorSource] = [:]
            for (index, role) in ["q_proj", "k_proj", "v_proj"].enumerated() {
                let part = TensorSource.Part(index: index, of: 3)
                table["\(layer).self_attn.\(role).\(ending)"] = TensorSource(name, part: part)
            }
            return table
        default:
            guard let renamed = rename(rest, openCLIPLayerModules) else { return [:] }
            return ["\(layer).\(renamed)": TensorSource(name)]
        }
    }
}
