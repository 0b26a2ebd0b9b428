// CLIP text encoder.
//
// Paper    Radford et al. 2021, https://arxiv.org/abs/2103.00020
// Weights  transformers `CLIPTextModel` and `CLIPTextModelWithProjection`; every string below is a checkpoint key
// Golden   Tests/Goldens/models/clip-text*
// Shapes   B batch, T tokens, D width, P width of the projection

package import Checkpoints
import Layers
package import Tensor

package struct CLIPTextModel: Sendable {
    package let configuration: Configuration
    let tokens, positions: Embedding
    let layers: [Layer]
    let finalNorm: LayerNorm
    let projection: Linear?

    /// Keys with and without the prefix `text_model`; a projection is used where the checkpoint has one.
    package init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
        let model = weights.skipping("text_model")
        configuration = config
        tokens = try Embedding(model["embeddings", "token_embedding"], config.vocabulary, config.width)
        positions = try Embedding(model["embeddings", "position_embedding"], config.context, config.width)
        layers = try model["encoder", "layers"].each(config.depth) { w throws(WeightError) in try Layer(w, config) }
        finalNorm = try LayerNorm(model["final_layer_norm"], config.width, epsilon: config.epsilon)
        projection =
            weights.has("text_projection.weight")
            ? try Linear(weights["text_projection"], config.width, config.projection, bias: false) : nil
    }

    /// What the encoder knows of a batch of prompts, all in f32.
    package struct Output: Sendable {
        /// The embeddings, then the result of every layer before the final norm: depth + 1 of [B, T, D].
        package let hidden: [Tensor]
        /// The last of them after the final norm, [B, T, D].
        package let last: Tensor
        /// `last` at the end of each text, projected where the model has a projection: [B, D] or [B, P].
        package let pooled: Tensor

        /// The state `count` layers before the last one, [B, T, D]; SDXL reads 1.
        package func hidden(skipping count: Int) -> Tensor { hidden[max(0, hidden.count - 1 - count)] }
    }

    /// Encodes `B` lists of equally many ids, at most `configuration.context`, each below the vocabulary.
    package func callAsFunction(_ ids: [[Int]]) -> Output {
        let count = ids.first?.count ?? 0
        precondition(ids.allSatisfy { $0.count == count } && count <= configuration.context, "\(ids.map(\.count)) ids")
        let place = positions.rows(0..<count)
        var x = Tensor.stacked(ids.map { tokens($0) + place }).reshaped([ids.count, count, configuration.width])
        var hidden = [x]
        for layer in layers {
            x = layer(x)
            hidden.append(x.converted(to: .f32))
        }
        let last = normalised(x)
        let ends = zip(ids.indices, ids).map { last[$0][configuration.end(of: $1)].reshaped([1, configuration.width]) }
        let pooled = Tensor.stacked(ends)
        return Output(hidden: hidden, last: last, pooled: projection?(pooled, as: .f32) ?? pooled)
    }

    /// The final norm of a hidden state, as diffusers applies it when layers are skipped.
    package func normalised(_ hidden: Tensor) -> Tensor { finalNorm(hidden, as: .f32) }
}

extension CLIPTextModel {
    /// Pre-norm transformer layer.
    struct Layer: Sendable {
        let firstNorm, secondNorm: LayerNorm
        let query, key, value, output: Linear
        let expand, contract: Linear
        let heads: Int
        let activation: Activation

        init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
            let attention = weights["self_attn"]
            firstNorm = try LayerNorm(weights["layer_norm1"], config.width, epsilon: config.epsilon)
            query = try Linear(attention["q_proj"], config.width, config.width)
            key = try Linear(attention["k_proj"], config.width, config.width)
            value = try Linear(attention["v_proj"], config.width, config.width)
            output = try Linear(attention["out_proj"], config.width, config.width)
            secondNorm = try LayerNorm(weights["layer_norm2"], config.width, epsilon: config.epsilon)
            expand = try Linear(weights["mlp", "fc1"], config.width, config.hidden)
            contract = try Linear(weights["mlp", "fc2"], config.hidden, config.width)
            heads = config.heads
            activation = config.activation
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            let normal = firstNorm(x)
            let mixed = query(normal).attending(keys: key(normal), values: value(normal), heads: heads, mask: .causal)
            let sum = output(mixed, Epilogue(residual: x), as: .f32)
            return contract(expand(secondNorm(sum), Epilogue(activation)), Epilogue(residual: sum), as: .f32)
        }
    }

    /// `config.json` of a CLIP text encoder.
    package struct Configuration: Sendable {
        /// D, and the most tokens it reads.
        package let width, context: Int
        package let vocabulary: Int
        /// Layers.
        package let depth: Int
        let hidden, heads, projection: Int
        let endToken: Int
        let epsilon: Float
        let activation: Activation

        /// Position of the end of a text. Files from before 2023 give 2 as the id of the end, which is wrong; the end is
        /// then the largest id.
        func end(of ids: [Int]) -> Int {
            let end = endToken == 2 ? ids.max() : endToken
            return ids.firstIndex { $0 == end } ?? 0
        }

        package init(_ json: ConfigObject) throws(ConfigError) {
            let json = try json.optionalObject("text_config") ?? json
            width = try json.int("hidden_size", default: 512, in: 1...65536)
            hidden = try json.int("intermediate_size", default: 2048, in: 1...1_048_576)
            heads = try json.int("num_attention_heads", default: 8, in: 1...width)
            depth = try json.int("num_hidden_layers", default: 12, in: 1...1024)
            context = try json.int("max_position_embeddings", default: 77, in: 1...65536)
            vocabulary = try json.int("vocab_size", default: 49408, in: 1...0x7FFF_FFFF)
            projection = try json.int("projection_dim", default: 512, in: 1...65536)
            endToken = try json.int("eos_token_id", default: 49407)
            epsilon = try json.positive("layer_norm_eps", default: 1e-5)
            activation = try json.activation("hidden_act", default: .quickGELU)
            guard width % heads == 0 else {
                throw .type(
                    file: json.file, key: "num_attention_heads", expected: "a divisor of \(width)", found: "\(heads)")
            }
        }
    }
}
