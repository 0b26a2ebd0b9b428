package import Checkpoints
import Tensor

extension Llama {
    /// Sizes and switches of a decoder.
    package struct Configuration: Sendable {
        /// D, V, and the number of layers.
        package let width, vocabulary, depth: Int
        let hidden, heads, keyHeads, headSize: Int
        let epsilon, base: Float
        let scaling: RotaryEmbedding.Scaling
        let isTied: Bool
        let activation: Activation
        let names: Names
        /// RMSNorm over each head's queries and keys before their rotation, as in Qwen 3.
        let normalisesQueries: Bool

        /// Bytes of the keys and values of so many tokens, in f32.
        package func cacheBytes(tokens: Int) -> Int { 8 * depth * keyHeads * headSize * tokens }

        /// `config.json` of a `LlamaForCausalLM`.
        package init(_ json: ConfigObject) throws(ConfigError) { try self.init(json, Defaults()) }

        init(_ json: ConfigObject, _ defaults: Defaults) throws(ConfigError) {
            // Files name the same object `rope_scaling` until 2025 and `rope_parameters` since.
            var rope = try json.optionalObject("rope_parameters")
            if rope == nil { rope = try json.optionalObject("rope_scaling") }
            let inner = try rope?.optionalDouble("rope_theta")
            width = try json.int("hidden_size", default: 4096, in: 1...1_048_576)
            hidden = try json.int("intermediate_size", default: defaults.hidden, in: 1...4_194_304)
            depth = try json.int("num_hidden_layers", default: 32, in: 1...1024)
            heads = try json.int("num_attention_heads", default: 32, in: 1...65536)
            keyHeads = try json.int("num_key_value_heads", default: defaults.keyHeads ?? heads, in: 1...heads)
            headSize = try json.int("head_dim", default: defaults.headSize ?? width / heads, in: 2...65536)
            vocabulary = try json.int("vocab_size", default: defaults.vocabulary, in: 1...0x7FFF_FFFF)
            epsilon = try json.positive("rms_norm_eps", default: 1e-6)
            base = try json.positive("rope_theta", default: inner.map { Float($0) } ?? defaults.base)
            scaling = try RotaryEmbedding.Scaling(rope)
            isTied = try json.bool("tie_word_embeddings", default: false)
            activation = try json.activation("hidden_act", default: .silu)
            names = .transformers
            normalisesQueries = defaults.normalisesQueries
            try json.checkHeads("num_key_value_heads", heads, keyHeads, headSize)
        }

        /// What a class of transformers assumes of a file that does not say; `LlamaConfig` here.
        struct Defaults {
            var hidden = 11008
            /// nil: as many as heads.
            var keyHeads: Int?
            /// nil: the width divided among the heads.
            var headSize: Int?
            var vocabulary = 32000
            var base: Float = 10000
            var normalisesQueries = false
        }

        /// `config.json` of a causal language model of transformers, by the class that it names.
        package init(causal json: ConfigObject) throws(ConfigError) {
            let name = try json.optionalStrings("architectures")?.first ?? ""
            switch name {
            case "LlamaForCausalLM": try self.init(json, Defaults())
            case "MistralForCausalLM":
                try self.init(json, Defaults(hidden: 14336, keyHeads: 8))
            case "Qwen2ForCausalLM": try self.init(json, Defaults(hidden: 22016, keyHeads: 32, vocabulary: 151936))
            case "Qwen3ForCausalLM":
                try self.init(
                    json,
                    Defaults(
                        hidden: 22016, keyHeads: 32, headSize: 128, vocabulary: 151936, normalisesQueries: true))
            default:
                throw .value(
                    file: json.file, key: "architectures", found: name,
                    known: ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"])
            }
        }

        /// Metadata of a GGUF of architecture llama, qwen2 or qwen3; `vocabulary` is the number of its tokens.
        package init(gguf json: ConfigObject, vocabulary: Int) throws(ConfigError) {
            try json.require("general.architecture", oneOf: "llama", "qwen2", "qwen3")
            let kind = try json.string("general.architecture")
            width = try json.int("\(kind).embedding_length", in: 1...1_048_576)
            hidden = try json.int("\(kind).feed_forward_length", in: 1...4_194_304)
            depth = try json.int("\(kind).block_count", in: 1...1024)
            heads = try json.int("\(kind).attention.head_count", in: 1...65536)
            keyHeads = try json.int("\(kind).attention.head_count_kv", default: heads, in: 1...heads)
            headSize = try json.int("\(kind).attention.key_length", default: width / heads, in: 2...65536)
            self.vocabulary = vocabulary
            epsilon = try json.positive("\(kind).attention.layer_norm_rms_epsilon")
            base = try json.positive("\(kind).rope.freq_base", default: 10000)
            try json.require("\(kind).rope.scaling.type", oneOf: "none", "linear")
            let factor = try json.positive("\(kind).rope.scaling.factor", default: 1)
            scaling = factor == 1 ? .none : .linear(factor: factor)
            isTied = false
            activation = .silu
            names = kind == "llama" ? .gguf : .ggufHalves
            normalisesQueries = kind == "qwen3"
            _ = try json.int("\(kind).rope.dimension_count", default: headSize, in: headSize...headSize)
            try json.checkHeads("\(kind).attention.head_count_kv", heads, keyHeads, headSize)
        }
    }

    /// Where a kind of file keeps each weight.
    struct Names: Sendable {
        /// Each is skipped where it is present.
        var prefixes: [String]
        var tokens, layers, norm, head: String
        var attentionNorm, query, key, value, output, queryNorm, keyNorm: String
        var feedForwardNorm, gate, expand, contract: String
        /// Rotations turn elements 2i and 2i + 1 of a head, not i and i + d/2: GGUF stores the rows of `query` and `key`
        /// in that order for this architecture.
        var pairsNeighbours: Bool

        static let transformers = Names(
            prefixes: ["model", "language_model", "model"], tokens: "embed_tokens", layers: "layers", norm: "norm",
            head: "lm_head", attentionNorm: "input_layernorm", query: "self_attn.q_proj", key: "self_attn.k_proj",
            value: "self_attn.v_proj", output: "self_attn.o_proj", queryNorm: "self_attn.q_norm",
            keyNorm: "self_attn.k_norm", feedForwardNorm: "post_attention_layernorm", gate: "mlp.gate_proj",
            expand: "mlp.up_proj", contract: "mlp.down_proj", pairsNeighbours: false)

        static let gguf = Names(
            prefixes: [], tokens: "token_embd", layers: "blk", norm: "output_norm", head: "output",
            attentionNorm: "attn_norm", query: "attn_q", key: "attn_k", value: "attn_v", output: "attn_output",
            queryNorm: "attn_q_norm", keyNorm: "attn_k_norm", feedForwardNorm: "ffn_norm", gate: "ffn_gate",
            expand: "ffn_up", contract: "ffn_down", pairsNeighbours: true)

        /// Architectures whose rows GGUF leaves in transformers' order.
        static let ggufHalves: Names = {
            var names = gguf
            names.pairsNeighbours = false
            return names
        }()
    }
}

extension ConfigObject {
    fileprivate func checkHeads(_ key: String, _ heads: Int, _ keyHeads: Int, _ size: Int) throws(ConfigError) {
        guard heads % keyHeads == 0, size % 2 == 0 else {
            throw .type(
                file: file, key: key, expected: "a divisor of \(heads), with heads of an even size",
                found: "\(keyHeads), \(size)")
        }
    }
}
