// Variational autoencoder of latent diffusion.
//
// Paper    Rombach et al. 2022, https://arxiv.org/abs/2112.10752, section 3.1
// Weights  diffusers `AutoencoderKL`
// Golden   Tests/Goldens/models/autoencoder-kl*
// Shapes   N batch, H W latent size, C latent channels, f pixels of a latent's side

package import Checkpoints
import Layers
package import Tensor

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

package struct AutoencoderKL: Sendable {
    package let configuration: Configuration
    let decoder: Decoder?
    let encoder: Encoder?

    /// Which half to load: drawing needs the decoder, starting from a picture the encoder too.
    package enum Half: Sendable, CaseIterable { case encoder, decoder }

    package init(
        _ weights: Weights, _ config: Configuration, halves: Set<Half> = Set(Half.allCases)
    ) throws(WeightError) {
        configuration = config
        decoder = halves.contains(.decoder) ? try Decoder(weights, config) : nil
        encoder = halves.contains(.encoder) ? try Encoder(weights, config) : nil
    }

    /// Pixels of the denoiser's latents: [N, H, W, C] → [N, H·f, W·f, 3], −1 black to 1 white, not clamped, f32.
    /// `band`: so many lines of pixels at a time, for less memory and more time; the same but for rounding.
    package func decode(_ latents: Tensor, band: Int? = nil) -> Tensor {
        guard let decoder else { preconditionFailure("an autoencoder loaded without its decoder") }
        let latents = latents.scaled(by: 1 / configuration.scale, as: .f32).shifted(by: configuration.shift)
        return band.map { decoder.banded(latents, $0) } ?? decoder(latents)
    }

    /// Gaussian of the latents of pixels [N, H·f, W·f, 3] in −1 ... 1: mean and standard deviation [N, H, W, C] in f32,
    /// as the encoder leaves them. `band` as in decoding.
    package func encode(_ pixels: Tensor, band: Int? = nil) -> (mean: Tensor, deviation: Tensor) {
        guard let encoder else { preconditionFailure("an autoencoder loaded without its encoder") }
        return band.map { encoder.banded(pixels, $0) } ?? encoder(pixels)
    }
}

extension AutoencoderKL {
    struct Decoder: Sendable {
        let mix: Convolution?
        let input, output: Convolution
        let mid: Middle
        let levels: [Level]
        let norm: GroupNorm

        init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
            let at = weights["decoder"]
            var width = config.widths[config.widths.count - 1]
            mix =
                config.mixesBeforeDecoding
                ? try Convolution(weights["post_quant_conv"], config.latents, config.latents, kernel: 1) : nil
            input = try Convolution(at["conv_in"], config.latents, width)
            mid = try Middle(at["mid_block"], width, config)
            var levels: [Level] = []
            for (index, out) in config.widths.reversed().enumerated() {
                let isLast = index == config.widths.count - 1
                let block = at["up_blocks", String(index)]
                levels.append(
                    Level(
                        resnets: try config.resnets(block, width, out, config.layers + 1),
                        resize: isLast ? nil : try Convolution(block["upsamplers", "0", "conv"], out, out, upsample: 2))
                )
                width = out
            }
            self.levels = levels
            norm = try GroupNorm(at["conv_norm_out"], width, groups: config.groups, epsilon: 1e-6)
            output = try Convolution(at["conv_out"], width, config.channels)
        }

        func callAsFunction(_ latents: Tensor) -> Tensor {
            var x = mid(input(mix?(latents) ?? latents))
            for level in levels {
                level(&x)
                // The next level's tensors are of other sizes: blocks kept for this one's would only stand beside them.
                Arena.trim()
            }
            return output(norm(x, .silu), as: .f32)
        }
    }

    struct Encoder: Sendable {
        let input, output: Convolution
        let mix: Convolution?
        let levels: [Level]
        let mid: Middle
        let norm: GroupNorm
        let latents: Int

        init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
            let at = weights["encoder"]
            var width = config.widths[0]
            latents = config.latents
            input = try Convolution(at["conv_in"], config.channels, width)
            var levels: [Level] = []
            for (index, out) in config.widths.enumerated() {
                let isLast = index == config.widths.count - 1
                let block = at["down_blocks", String(index)]
                let shrink = block["downsamplers", "0", "conv"]
                levels.append(
                    Level(
                        resnets: try config.resnets(block, width, out, config.layers),
                        resize: isLast ? nil : try Convolution(shrink, out, out, stride: 2, padding: 0, after: 1)))
                width = out
            }
            self.levels = levels
            mid = try Middle(at["mid_block"], width, config)
            norm = try GroupNorm(at["conv_norm_out"], width, groups: config.groups, epsilon: 1e-6)
            output = try Convolution(at["conv_out"], width, 2 * latents)
            mix =
                config.mixesAfterEncoding
                ? try Convolution(weights["quant_conv"], 2 * latents, 2 * latents, kernel: 1) : nil
        }

        func callAsFunction(_ pixels: Tensor) -> (mean: Tensor, deviation: Tensor) {
            var x = input(pixels)
            for level in levels { level(&x) }
            return moments(x)
        }

        /// What the levels leave, as a Gaussian.
        func moments(_ x: Tensor) -> (mean: Tensor, deviation: Tensor) {
            var x = output(norm(mid(x), .silu), as: .f32)
            if let mix { x = mix(x, as: .f32) }
            let moments = x.floats
            var (mean, deviation) = ([Float](), [Float]())
            for row in 0..<x.rows {
                mean += moments[row * 2 * latents..<(2 * row + 1) * latents]
                deviation += moments[(2 * row + 1) * latents..<(row + 1) * 2 * latents].map {
                    // The network gives the logarithm of the variance.
                    expf(0.5 * min(max($0, -30), 20))
                }
            }
            let shape = Array(x.shape.dropLast()) + [latents]
            return (Tensor(mean, shape), Tensor(deviation, shape))
        }
    }

    /// Resnet blocks, then a change of size.
    struct Level: Sendable {
        let resnets: [ResnetBlock]
        let resize: Convolution?

        /// In place, so that no caller holds the image that came in.
        func callAsFunction(_ x: inout Tensor) {
            for resnet in resnets { x = resnet(x) }
            if let resize { x = resize(x) }
        }
    }

    /// Two resnet blocks, and attention of all pixels to all between them.
    struct Middle: Sendable {
        let first, second: ResnetBlock
        let attention: Attention?

        init(_ weights: Weights, _ width: Int, _ config: Configuration) throws(WeightError) {
            first = try ResnetBlock(weights["resnets", "0"], width, width, config.resnet)
            second = try ResnetBlock(weights["resnets", "1"], width, width, config.resnet)
            attention =
                config.hasAttention ? try Attention(weights["attentions", "0"], width, groups: config.groups) : nil
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            let x = first(x)
            return second(attention?(x) ?? x)
        }
    }

    /// Self-attention with one head as wide as the image has channels.
    struct Attention: Sendable {
        let norm: GroupNorm
        let query, key, value, output: Linear

        init(_ weights: Weights, _ width: Int, groups: Int) throws(WeightError) {
            // Files from before 2023 use the first names.
            let isOld = weights.has("query.weight")
            norm = try GroupNorm(weights["group_norm"], width, groups: groups, epsilon: 1e-6)
            query = try Linear(weights[isOld ? "query" : "to_q"], width, width)
            key = try Linear(weights[isOld ? "key" : "to_k"], width, width)
            value = try Linear(weights[isOld ? "value" : "to_v"], width, width)
            output = try Linear(isOld ? weights["proj_attn"] : weights["to_out", "0"], width, width)
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            let tokens = [x.shape[0], x.shape[1] * x.shape[2], x.shape[3]]
            let normal = norm(x).reshaped(tokens)
            let mixed = query(normal).attending(keys: key(normal), values: value(normal), heads: 1)
            return output(mixed, Epilogue(residual: x.reshaped(tokens))).reshaped(x.shape)
        }
    }

    /// `config.json` of an `AutoencoderKL`.
    package struct Configuration: Sendable {
        /// Channels of the picture and of the latents.
        package let channels, latents: Int
        let widths: [Int]
        let layers, groups: Int
        let activation: Activation
        package let scale: Float
        package var shift: Float
        let mixesAfterEncoding, mixesBeforeDecoding, hasAttention: Bool

        /// Pixels of one latent along each side.
        package var factor: Int { 1 << (widths.count - 1) }

        var resnet: ResnetBlock.Style { .init(timeWidth: nil, groups: groups, epsilon: 1e-6, activation: activation) }

        package init(_ json: ConfigObject) throws(ConfigError) {
            channels = try json.int("in_channels", default: 3, in: 3...3)
            _ = try json.int("out_channels", default: channels, in: channels...channels)
            latents = try json.int("latent_channels", default: 4, in: 1...65536)
            widths = try json.optionalInts("block_out_channels", in: 1...65536) ?? [64]
            layers = try json.int("layers_per_block", default: 1, in: 1...64)
            groups = try json.int("norm_num_groups", default: 32, in: 1...65536)
            activation = try json.activation("act_fn", default: .silu)
            scale = try json.positive("scaling_factor", default: 0.18215)
            shift = try json.float("shift_factor", default: 0)
            mixesAfterEncoding = try json.bool("use_quant_conv", default: true)
            mixesBeforeDecoding = try json.bool("use_post_quant_conv", default: true)
            hasAttention = try json.bool("mid_block_add_attention", default: true)
            try json.requireBlocks("down_block_types", "DownEncoderBlock2D", levels: widths)
            try json.requireBlocks("up_block_types", "UpDecoderBlock2D", levels: widths)
            try json.requireAbsent("latents_mean", "latents_std")
        }

        func resnets(
            _ weights: Weights, _ width: Int, _ out: Int, _ count: Int
        ) throws(WeightError) -> [ResnetBlock] {
            var resnets: [ResnetBlock] = []
            for index in 0..<count {
                let at = weights["resnets", String(index)]
                resnets.append(try ResnetBlock(at, index == 0 ? width : out, out, resnet))
            }
            return resnets
        }
    }
}

extension ConfigObject {
    /// Throws unless every one of the blocks at `key` is `known`, one for each level.
    fileprivate func requireBlocks(_ key: String, _ known: String, levels: [Int]) throws(ConfigError) {
        let names = try optionalStrings(key) ?? [known]
        if let other = names.first(where: { $0 != known }) {
            throw .value(file: file, key: key, found: other, known: [known])
        }
        try requireLevels(key, Array(names.indices), "block_out_channels", levels)
    }
}
