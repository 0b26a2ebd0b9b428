// Transformer over the pixels of a feature map, attending to the text.
//
// Paper    Rombach et al. 2022, https://arxiv.org/abs/2112.10752, section 3.3
// Weights  diffusers `Transformer2DModel` and `DreamLiteTransformer2DModel`
// Shapes   N batch, H W size, C channels, T pixels H·W, S text tokens, K width of the text

import Checkpoints
import Layers
import Tensor

struct SpatialTransformer: Sendable {
    /// What transformers of one level have in common.
    struct Style: Sendable {
        var heads: Int
        /// Blocks in one transformer.
        var depth: Int
        var groups: Int
        /// The projections into and out of the tokens are stored as matrices, not as 1×1 convolutions.
        var hasLinearProjections: Bool
        /// Width of the text.
        var contextWidth: Int
        /// Heads of keys and values; nil: as many as queries have.
        var keyHeads: Int?
        /// RMSNorm over each head's queries and keys.
        var normalisesQueries = false
        /// Inner width of the feed-forward part as a multiple of the outer.
        var expansion = 4
        var selfAttention = SelfAttention.pixels
    }

    /// What the first attention of a block looks at.
    enum SelfAttention: Sendable {
        case pixels, text
        /// There is none, and the normalised pixels replace the sum (DreamLite).
        case absent
    }

    let norm: GroupNorm
    let enter, leave: Projection
    let blocks: [Block]

    init(_ weights: Weights, _ width: Int, _ style: Style) throws(WeightError) {
        let keyHeads = style.keyHeads ?? style.heads
        guard style.heads > 0, width % style.heads == 0, keyHeads > 0, style.heads % keyHeads == 0 else {
            throw .configuration(
                weights.path, "\(width) channels do not divide into \(style.heads) heads, \(keyHeads) of keys")
        }
        norm = try GroupNorm(weights["norm"], width, groups: style.groups, epsilon: 1e-6)
        enter = try Projection(weights["proj_in"], width, isLinear: style.hasLinearProjections)
        leave = try Projection(weights["proj_out"], width, isLinear: style.hasLinearProjections)
        blocks = try weights["transformer_blocks"].each(style.depth) { w throws(WeightError) in
            try Block(w, width, style)
        }
    }

    /// The attentions that read the text, in the order of their use.
    var textAttentions: [Attention] { blocks.flatMap(\.textAttentions) }

    /// [N, H, W, C] → the same.
    func callAsFunction(_ x: Tensor, _ pass: inout UNetPass) -> Tensor {
        let tokens = [x.shape[0], x.shape[1] * x.shape[2], x.shape[3]]
        var hidden = enter(norm(x), as: x.type).reshaped(tokens)
        for block in blocks { hidden = block(hidden, &pass) }
        return leave(hidden.reshaped(x.shape), Epilogue(residual: x), as: x.type)
    }
}

extension SpatialTransformer {
    /// Width to width for every pixel.
    struct Projection: Sendable {
        private enum Form: Sendable {
            case matrix(Linear)
            case convolution(Convolution)
        }

        private let form: Form

        init(_ weights: Weights, _ width: Int, isLinear: Bool) throws(WeightError) {
            form =
                isLinear
                ? .matrix(try Linear(weights, width, width))
                : .convolution(try Convolution(weights, width, width, kernel: 1))
        }

        func callAsFunction(_ x: Tensor, _ epilogue: Epilogue = Epilogue(), as type: DType) -> Tensor {
            switch form {
            case .matrix(let linear): linear(x, epilogue, as: type)
            case .convolution(let convolution): convolution(x, epilogue, as: type)
            }
        }
    }

    /// Self-attention, attention to the text, gated feed-forward, each after a norm and beside an identity.
    struct Block: Sendable {
        let firstNorm, secondNorm, thirdNorm: LayerNorm
        let first: Attention?
        let second: Attention
        let firstReadsText: Bool
        let expand, contract: Linear

        init(_ weights: Weights, _ width: Int, _ style: Style) throws(WeightError) {
            firstNorm = try LayerNorm(weights["norm1"], width)
            secondNorm = try LayerNorm(weights["norm2"], width)
            thirdNorm = try LayerNorm(weights["norm3"], width)
            firstReadsText = style.selfAttention == .text
            first =
                switch style.selfAttention {
                case .pixels: try Attention(weights["attn1"], width, context: width, style)
                case .text: try Attention(weights["attn1"], width, context: style.contextWidth, style)
                case .absent: nil
                }
            second = try Attention(weights["attn2"], width, context: style.contextWidth, style)
            expand = try Linear(weights["ff", "net", "0", "proj"], width, 2 * style.expansion * width)
            contract = try Linear(weights["ff", "net", "2"], style.expansion * width, width)
        }

        var textAttentions: [Attention] { (firstReadsText ? [first].compactMap(\.self) : []) + [second] }

        func callAsFunction(_ x: Tensor, _ pass: inout UNetPass) -> Tensor {
            var x = x
            // Where there is no self-attention, the normalised pixels are the next residual sum and keep its type.
            let normal = firstNorm(x, as: first == nil ? x.type : nil)
            if let first {
                // The mask of padded text applies to the second attention only, as in diffusers.
                let memory = firstReadsText ? pass.nextMemory() : first.memory(of: normal)
                x = first(normal, memory, mask: .none, residual: x)
            } else {
                x = normal
            }
            x = second(secondNorm(x), pass.nextMemory(), mask: pass.mask, residual: x)
            let gated = expand(thirdNorm(x)).gated(.gelu, gateSecond: true)
            return contract(gated, Epilogue(residual: x), as: x.type)
        }
    }

    /// Multi-head attention (Vaswani et al. 2017); with fewer heads of keys than of queries, Shazeer 2019.
    struct Attention: Sendable {
        /// Keys and values of the tokens attended to, [N, S, keyHeads·d] each.
        struct Memory: Sendable {
            let keys, values: Tensor
        }

        let query, key, value, output: Linear
        let queryNorm, keyNorm: RMSNorm?
        let heads, keyHeads: Int

        init(_ weights: Weights, _ width: Int, context: Int, _ style: Style) throws(WeightError) {
            heads = style.heads
            keyHeads = style.keyHeads ?? heads
            let size = width / heads
            query = try Linear(weights["to_q"], width, width, bias: false)
            key = try Linear(weights["to_k"], context, keyHeads * size, bias: false)
            value = try Linear(weights["to_v"], context, keyHeads * size, bias: false)
            output = try Linear(weights["to_out", "0"], width, width)
            queryNorm = style.normalisesQueries ? try RMSNorm(weights["norm_q"], size, epsilon: 1e-5) : nil
            keyNorm = style.normalisesQueries ? try RMSNorm(weights["norm_k"], size, epsilon: 1e-5) : nil
        }

        func memory(of context: Tensor) -> Memory {
            let keys = key(context)
            return Memory(keys: keyNorm?(keys) ?? keys, values: value(context))
        }

        func callAsFunction(_ x: Tensor, _ memory: Memory, mask: AttentionMask, residual: Tensor) -> Tensor {
            let queries = query(x)
            let mixed = (queryNorm?(queries) ?? queries).attending(
                keys: memory.keys, values: memory.values, heads: heads, kvHeads: keyHeads, mask: mask)
            return output(mixed, Epilogue(residual: residual), as: residual.type)
        }
    }
}
