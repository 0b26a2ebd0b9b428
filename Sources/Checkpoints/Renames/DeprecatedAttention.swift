// Names that older versions of diffusers gave to the attention of the autoencoder.
//
// Reference   diffusers `ModelMixin._fix_state_dict_keys_on_load`

enum DeprecatedAttention {
    static let modules: [ModuleName] = [
        ("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0"),
    ]

    /// Today's names for all of `names`.
    static func table(_ names: some Collection<String>) -> [String: TensorSource] {
        var table: [String: TensorSource] = [:]
        for name in names {
            let words = name.split(separator: ".")
            if words.count > 4, words[words.count - 4] == "attentions",
                let renamed = rename(words.suffix(2).joined(separator: "."), modules)
            {
                let prefix = words.dropLast(2).joined(separator: ".")
                table["\(prefix).\(renamed)"] = TensorSource(name, rank: words.last == "weight" ? 2 : nil)
            } else {
                table[name] = TensorSource(name)
            }
        }
        return table
    }
}

extension CheckpointStore {
    /// The same tensors with the autoencoder's deprecated attention names replaced by today's.
    package func withCurrentAttentionNames() throws(CheckpointError) -> CheckpointStore {
        try renamed(DeprecatedAttention.table(names))
    }
}
