// Decoder-only language model of the Llama family: SmolLM2, Llama 2 and 3, and by its switches Qwen.
//
// Paper    Touvron et al. 2023, https://arxiv.org/abs/2302.13971
// Weights  transformers `LlamaForCausalLM`, or a GGUF of architecture llama
// Golden   Tests/Goldens/models/llama*
// Shapes   T tokens, D width, V vocabulary

package import Checkpoints
import Layers
package import Tensor

package struct Llama: Sendable {
    package let configuration: Configuration
    let tokens: Embedding
    let layers: [Layer]
    let norm: RMSNorm
    let head: Linear?
    let rotary: RotaryEmbedding

    /// `hasHead` false leaves out the output matrix, where only hidden states are wanted. Keys with and without the
    /// prefixes that multi-modal checkpoints put before the decoder's.
    package init(_ weights: Weights, _ config: Configuration, hasHead: Bool = true) throws(WeightError) {
        let names = config.names
        let model = names.prefixes.reduce(weights) { $0.skipping($1) }
        configuration = config
        tokens = try Embedding(model[names.tokens], config.vocabulary, config.width)
        layers = try model[names.layers].each(config.depth) { w throws(WeightError) in try Layer(w, config) }
        norm = try RMSNorm(model[names.norm], config.width, epsilon: config.epsilon)
        head =
            if !hasHead {
                nil
            } else if config.isTied || !weights.has(names.head + ".weight") {
                try Linear(model[names.tokens], config.width, config.vocabulary, bias: false)
            } else {
                try Linear(weights[names.head], config.width, config.vocabulary, bias: false)
            }
        let rotary = RotaryEmbedding(size: config.headSize, base: config.base, scaling: config.scaling)
        self.rotary =
            weights.has("rope_freqs.weight")
            ? rotary.divided(by: try weights.tensor("rope_freqs.weight", config.headSize / 2).floats) : rotary
    }

    /// Which activations a caller wants.
    package enum Depth: Sendable, Equatable {
        /// transformers' `hidden_states[i]`: the embeddings for 0, the sum after i layers, and for the last i that sum
        /// after the final norm.
        case hiddenState(Int)
        /// The sum after `i` layers, never normalised.
        case residual(Int)
    }

    /// Activations of a whole text, [T, D] in f32; layers above `depth` are not computed.
    package func hidden(_ ids: [Int], at depth: Depth) -> Tensor {
        var cache = emptyCache()
        switch depth {
        case .residual(let count): return run(ids, layers: count, &cache)
        case .hiddenState(let index):
            let sum = run(ids, layers: index, &cache)
            return index == layers.count ? norm(sum, as: .f32) : sum
        }
    }

    /// A cache without tokens.
    package func emptyCache() -> KeyValueCache { KeyValueCache(depth: layers.count) }

    /// Scores of the token after each of the last `count` of `ids`, [count, V] in f32; `cache` learns `ids`.
    package func logits(_ ids: [Int], last count: Int = 1, _ cache: inout KeyValueCache) -> Tensor {
        guard let head else { preconditionFailure("a decoder loaded without its head") }
        let sum = run(ids, layers: layers.count, &cache)
        return head(norm(sum[rows: ids.count - count..<ids.count]), as: .f32)
    }

    /// Has `cache` learn `ids`, where nobody asks for scores.
    package func read(_ ids: [Int], _ cache: inout KeyValueCache) { _ = run(ids, layers: layers.count, &cache) }

    /// The sum after `count` layers for `ids`, which follow the tokens of `cache`: [T, D] in f32.
    private func run(_ ids: [Int], layers count: Int, _ cache: inout KeyValueCache) -> Tensor {
        precondition((0...layers.count).contains(count), "\(count) of \(layers.count) layers")
        var x = tokens(ids).reshaped([1, ids.count, configuration.width])
        let table = rotary.table(from: cache.count, count: ids.count)
        for (index, layer) in layers.prefix(count).enumerated() { x = layer(x, table, &cache, index) }
        cache.advance(ids.count)
        return x.converted(to: .f32)[0]
    }
}

extension Llama {
    /// Pre-norm layer: attention with rotated queries and keys, then a gated feed-forward part.
    struct Layer: Sendable {
        let attentionNorm, feedForwardNorm: RMSNorm
        let query, key, value, output: Linear
        let queryNorm, keyNorm: RMSNorm?
        let gate, expand, contract: Linear
        let config: Configuration

        init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
            let names = config.names
            let size = config.headSize
            self.config = config
            attentionNorm = try RMSNorm(weights[names.attentionNorm], config.width, epsilon: config.epsilon)
            query = try Linear(weights[names.query], config.width, config.heads * size, bias: nil)
            key = try Linear(weights[names.key], config.width, config.keyHeads * size, bias: nil)
            value = try Linear(weights[names.value], config.width, config.keyHeads * size, bias: nil)
            output = try Linear(weights[names.output], config.heads * size, config.width, bias: nil)
            queryNorm =
                config.normalisesQueries ? try RMSNorm(weights[names.queryNorm], size, epsilon: config.epsilon) : nil
            keyNorm =
                config.normalisesQueries ? try RMSNorm(weights[names.keyNorm], size, epsilon: config.epsilon) : nil
            feedForwardNorm = try RMSNorm(weights[names.feedForwardNorm], config.width, epsilon: config.epsilon)
            gate = try Linear(weights[names.gate], config.width, config.hidden, bias: nil)
            expand = try Linear(weights[names.expand], config.width, config.hidden, bias: nil)
            contract = try Linear(weights[names.contract], config.hidden, config.width, bias: nil)
        }

        func callAsFunction(
            _ x: Tensor, _ table: (cosine: Tensor, sine: Tensor), _ cache: inout KeyValueCache, _ index: Int
        ) -> Tensor {
            let normal = attentionNorm(x)
            let (q, k) = (query(normal), key(normal))
            let interleaved = config.names.pairsNeighbours
            let queries = (queryNorm?(q) ?? q).rotated(
                heads: config.heads, cosine: table.cosine, sine: table.sine, interleaved: interleaved)
            let newKeys = (keyNorm?(k) ?? k).rotated(
                heads: config.keyHeads, cosine: table.cosine, sine: table.sine, interleaved: interleaved)
            let (keys, values) = cache.append(newKeys, value(normal), layer: index)
            let mixed = queries.attending(
                keys: keys, values: values, heads: config.heads, kvHeads: config.keyHeads, mask: .causal)
            let sum = output(mixed, Epilogue(residual: x), as: .f32)
            let next = feedForwardNorm(sum)
            return contract(gate(next, Epilogue(config.activation)) * expand(next), Epilogue(residual: sum), as: .f32)
        }
    }
}
