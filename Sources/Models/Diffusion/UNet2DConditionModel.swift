// UNet of latent diffusion: predicts noise, velocity or the picture from noisy latents and a text.
//
// Paper    Rombach et al. 2022, https://arxiv.org/abs/2112.10752; Podell et al. 2023 (SDXL), https://arxiv.org/abs/2307.01952
// Weights  diffusers `UNet2DConditionModel`, and `DreamLiteUNetModel` (DreamLiteUNet.swift)
// Golden   Tests/Goldens/models/unet-*, dreamlite*
// Shapes   N batch, H W latent size, C channels, S text tokens, K width of the text, E width of the time embedding

package import Checkpoints
import Layers
package import Tensor

package struct UNet2DConditionModel: Sendable {
    package let configuration: Configuration
    let input: Convolution
    let timestep: TimestepEmbedding
    let added: TimestepEmbedding?
    let textProjection: TextProjection?
    let down: [DownBlock]
    let mid: MidBlock?
    let up: [UpBlock]
    let norm: GroupNorm
    let output: Convolution

    package init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
        let widths = config.widths
        configuration = config
        input = try Convolution(weights["conv_in"], config.inputs, widths[0], kernel: config.inputKernel)
        timestep = try TimestepEmbedding(
            weights["time_embedding"], widths[0], config.timeWidth, config.activation, condition: config.guidanceWidth)
        added =
            if let width = config.addition.width {
                try TimestepEmbedding(weights["add_embedding"], width, config.timeWidth)
            } else { nil }
        textProjection = try config.text.map { kind throws(WeightError) in
            try TextProjection(weights["encoder_hid_proj"], kind, config.contextWidth)
        }
        down = try Self.down(weights["down_blocks"], config)
        mid = try config.mid.map { kind throws(WeightError) in try Self.mid(weights["mid_block"], kind, config) }
        up = try Self.up(weights["up_blocks"], config)
        norm = try GroupNorm(
            weights["conv_norm_out"], widths[0], groups: config.resnet.groups, epsilon: config.resnet.epsilon)
        output = try Convolution(weights["conv_out"], widths[0], config.outputs, kernel: config.outputKernel)
    }

    /// What does not change over the steps of a job: keys and values of the text for every attention that reads it, and
    /// the embedding of the numbers added to the timestep.
    package struct Condition: Sendable {
        let memories: [SpatialTransformer.Attention.Memory]
        let mask: AttentionMask
        let added: Tensor?
        let guidance: Tensor?
        /// Samples.
        package let batch: Int
    }

    /// Prepares the text [N, S, K]. `mask` [N, S] has 1 for tokens that are seen and 0 for padding. Where
    /// `configuration.addition` asks for them: `pooled` [N, P] and the same `timeIDs` for every sample.
    /// `guidance` is the scale that networks with a `guidanceWidth` are told.
    package func condition(
        _ text: Tensor, mask: Tensor? = nil, pooled: Tensor? = nil, timeIDs: [Float] = [], guidance: Double = 1
    ) -> Condition {
        let context = textProjection?(text) ?? text
        let attentions =
            down.flatMap(\.level.textAttentions) + (mid?.textAttentions ?? [])
            + up.flatMap(\.level.textAttentions)
        return Condition(
            memories: attentions.map { $0.memory(of: context) },
            mask: mask.map { .keys($0.scaled(by: 10000, as: .f32).shifted(by: -10000)) } ?? .none,
            added: added.map { $0(addition(pooled, timeIDs, batch: text.shape[0])) },
            guidance: configuration.guidanceWidth.map {
                Sinusoids(width: $0, cosineFirst: false, frequencyShift: 1)([Float(guidance - 1) * 1000])
            },
            batch: text.shape[0])
    }

    /// The model's output [N, H, W, C] in f32 for latents [N, H, W, C] at one timestep, 0 ... 1000.
    package func callAsFunction(_ latents: Tensor, timestep: Float, _ condition: Condition) -> Tensor {
        self(latents, timesteps: [Float](repeating: timestep, count: condition.batch), condition)
    }

    /// The same with a timestep for each sample.
    package func callAsFunction(_ latents: Tensor, timesteps: [Float], _ condition: Condition) -> Tensor {
        precondition(latents.rank == 4 && latents.shape[0] == condition.batch, "\(latents.shape): \(condition.batch)")
        precondition(timesteps.count == condition.batch, "\(timesteps.count) timesteps for \(condition.batch) samples")
        var pass = UNetPass(
            time: time(timesteps, condition), mask: condition.mask, memories: condition.memories)
        // Residual sums and what the way up takes over stay in f32: rounding them costs several decibels.
        var x = input(configuration.centresInput ? latents.scaled(by: 2).shifted(by: -1) : latents, as: .f32)
        var skips = [x]
        for block in down { x = block(x, skips: &skips, &pass) }
        if let mid { x = mid(x, &pass) }
        for block in up { x = block(x, skips: &skips, &pass) }
        return output(norm(x, configuration.activation), as: .f32)
    }

    /// The time embedding after the activation that every resnet block applies to it.
    private func time(_ timesteps: [Float], _ condition: Condition) -> Tensor {
        var embedding = timestep(
            configuration.sinusoids(configuration.widths[0])(timesteps), condition: condition.guidance)
        if let added = condition.added { embedding = embedding + added }
        if let activation = configuration.timeActivation { embedding = embedding.applying(activation) }
        return embedding.applying(configuration.activation)
    }

    private func addition(_ pooled: Tensor?, _ numbers: [Float], batch: Int) -> Tensor {
        let sines = configuration.sinusoids(configuration.addition.each)(numbers)
        let row = sines.reshaped([1, sines.count])
        let rows = Tensor.stacked([Tensor](repeating: row, count: batch))
        return pooled.map { $0.converted(to: .f32).joined(with: rows) } ?? rows
    }
}

extension UNet2DConditionModel {
    private static func down(_ weights: Weights, _ config: Configuration) throws(WeightError) -> [DownBlock] {
        var blocks: [DownBlock] = []
        var width = config.widths[0]
        for (index, out) in config.widths.enumerated() {
            let at = weights[String(index)]
            let widths = [width] + [Int](repeating: out, count: config.layers[index] - 1)
            let level = try UNetLevel(
                at, widths, out, config.resnet(config.down[index]),
                config.attention(config.down[index], level: index), depths: config.downDepths[index])
            let isLast = index == config.widths.count - 1
            let shrink = isLast ? nil : try Convolution(at["downsamplers", "0", "conv"], out, out, stride: 2)
            blocks.append(DownBlock(level: level, shrink: shrink))
            width = out
        }
        return blocks
    }

    private static func mid(
        _ weights: Weights, _ kind: Configuration.Mid, _ config: Configuration
    ) throws(WeightError) -> MidBlock {
        let last = config.widths.count - 1
        let width = config.widths[last]
        var style = config.resnet
        style.divisor = config.midDivisor
        // The block at the bottom attends to its pixels whatever the levels do.
        var attention = config.attention(.attention, level: last)
        attention?.selfAttention = .pixels
        attention?.depth = config.downDepths[last].first ?? 0
        let depth = kind == .attention ? config.midLayers : 0
        return MidBlock(
            resnets: try weights["resnets"].each(depth + 1) { w throws(WeightError) in
                try ResnetBlock(w, width, width, style)
            },
            transformers: try weights["attentions"].each(depth) { w throws(WeightError) in
                guard let attention else { throw .configuration(w.path, "has no attention") }
                return try SpatialTransformer(w, width, attention)
            })
    }

    private static func up(_ weights: Weights, _ config: Configuration) throws(WeightError) -> [UpBlock] {
        var blocks: [UpBlock] = []
        let levels = config.widths.count
        var width = config.widths[levels - 1]
        for index in 0..<levels {
            let mirrored = levels - 1 - index
            let out = config.widths[mirrored]
            // Each resnet block also receives a result of the way down: all of this level's, then the one above's.
            let above = config.widths[max(mirrored - 1, 0)]
            let count = config.layers[mirrored] + 1
            let widths = (0..<count).map { ($0 == 0 ? width : out) + ($0 == count - 1 ? above : out) }
            let at = weights[String(index)]
            let level = try UNetLevel(
                at, widths, out, config.resnet(config.up[index]),
                config.attention(config.up[index], level: mirrored), depths: config.upDepths[index])
            let isLast = index == levels - 1
            blocks.append(
                UpBlock(level: level, enlarge: isLast ? nil : try Enlargement(at["upsamplers", "0", "conv"], out)))
            width = out
        }
        return blocks
    }

    /// Linear, then optionally RMSNorm: the text's own width to the one that the attentions read.
    struct TextProjection: Sendable {
        let linear: Linear
        let norm: RMSNorm?

        init(_ weights: Weights, _ kind: Configuration.Text, _ out: Int) throws(WeightError) {
            switch kind {
            case .linear(let width):
                linear = try Linear(weights, width, out)
                norm = nil
            case .normalised(let width):
                linear = try Linear(weights["0"], width, out)
                norm = try RMSNorm(weights["1"], out, epsilon: 1e-5)
            }
        }

        func callAsFunction(_ text: Tensor) -> Tensor {
            let projected = linear(text)
            return norm?(projected) ?? projected
        }
    }
}
