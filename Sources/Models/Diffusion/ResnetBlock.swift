// Residual block of convolutional networks: norm, activation, convolution, twice, beside a shortcut.
//
// Paper    He et al. 2016, https://arxiv.org/abs/1603.05027
// Weights  diffusers `ResnetBlock2D`, `ResnetBlock2DDreamLite`
// Shapes   N batch, H W size, C channels in, D channels out, E width of the time embedding

import Checkpoints
import Layers
import Tensor

struct ResnetBlock: Sendable {
    /// What blocks of one network have in common.
    struct Style: Sendable {
        /// Width of the time embedding; nil where there is none.
        var timeWidth: Int?
        var groups: Int
        var epsilon: Float
        var activation: Activation
        /// The time embedding scales and shifts the second norm instead of being added before it.
        var modulates = false
        /// Each 3×3 convolution is a depthwise one and a 1×1, with twice the channels between the two pairs.
        var isSeparable = false
        /// The sum of block and shortcut is divided by this.
        var divisor: Float = 1
    }

    let firstNorm: GroupNorm
    let first, second: SpatialConvolution
    let time: Linear?
    let secondNorm: SecondNorm
    let shortcut: Convolution?
    let style: Style

    init(_ weights: Weights, _ width: Int, _ out: Int, _ style: Style) throws(WeightError) {
        let hidden = style.isSeparable ? 2 * out : out
        self.style = style
        firstNorm = try GroupNorm(weights["norm1"], width, groups: style.groups, epsilon: style.epsilon)
        first = try SpatialConvolution(weights["conv1"], width, hidden, isSeparable: style.isSeparable)
        time =
            if let timeWidth = style.timeWidth {
                try Linear(weights["time_emb_proj"], timeWidth, style.modulates ? 2 * hidden : hidden)
            } else { nil }
        secondNorm =
            style.modulates
            ? .modulated(try ModulatedGroupNorm(weights["norm2"], hidden, style))
            : .plain(try GroupNorm(weights["norm2"], hidden, groups: style.groups, epsilon: style.epsilon))
        second = try SpatialConvolution(weights["conv2"], hidden, out, isSeparable: style.isSeparable)
        shortcut = width == out ? nil : try Convolution(weights["conv_shortcut"], width, out, kernel: 1)
    }

    /// [N, H, W, C] → [N, H, W, D] in the type of x: a network that begins in f32 keeps its residual sums in f32.
    /// `time` is the activated time embedding [N, E] in f32.
    func callAsFunction(_ x: Tensor, time embedding: Tensor? = nil) -> Tensor {
        let bias = embedding.flatMap { time?($0, as: .f32) }
        // No name holds a tensor beyond its use: in an autoencoder each is a large part of all memory.
        var hidden = first(firstNorm(x, style.activation), Epilogue(sampleBias: style.modulates ? nil : bias))
        switch secondNorm {
        case .plain(let norm): hidden = norm(hidden, style.activation)
        case .modulated(let norm): hidden = norm(hidden, bias, style.activation)
        }
        let sum = second(hidden, Epilogue(residual: shortcut?(x, as: x.type) ?? x), as: x.type)
        return style.divisor == 1 ? sum : sum.scaled(by: 1 / style.divisor)
    }
}

extension ResnetBlock {
    enum SecondNorm: Sendable {
        case plain(GroupNorm)
        case modulated(ModulatedGroupNorm)
    }

    /// 3×3 convolution, or a depthwise 3×3 and a 1×1 without biases.
    struct SpatialConvolution: Sendable {
        private let depthwise: DepthwiseConvolution?
        private let dense: Convolution

        init(_ weights: Weights, _ width: Int, _ out: Int, isSeparable: Bool) throws(WeightError) {
            depthwise = isSeparable ? try DepthwiseConvolution(weights["depthwise"], width, bias: false) : nil
            dense =
                isSeparable
                ? try Convolution(weights["pointwise"], width, out, kernel: 1, bias: false)
                : try Convolution(weights, width, out)
        }

        func callAsFunction(_ x: Tensor, _ epilogue: Epilogue, as type: DType? = nil) -> Tensor {
            dense(depthwise?(x) ?? x, epilogue, as: type)
        }
    }

    /// GroupNorm whose result each sample scales by 1 + s and shifts by t (Perez et al. 2018, FiLM).
    struct ModulatedGroupNorm: Sendable {
        private let weight, bias: Tensor
        private let style: Style
        private let type: DType

        init(_ weights: Weights, _ channels: Int, _ style: Style) throws(WeightError) {
            guard channels % style.groups == 0 else {
                throw .configuration(weights.path, "\(channels) channels do not divide into \(style.groups) groups")
            }
            weight = try weights.tensor("weight", channels)
            bias = try weights.tensor("bias", channels)
            self.style = style
            type = weights.precision.activations
        }

        /// `modulation` [N, 2·channels]: s, then t.
        func callAsFunction(_ x: Tensor, _ modulation: Tensor?, _ activation: Activation) -> Tensor {
            let count = weight.count
            let samples = (0..<x.shape[0]).map { sample in
                var (scale, shift) = (weight, bias)
                if let row = modulation?[sample].reshaped([2, count]) {
                    // γ(1 + s) and β(1 + s) + t: the norm's own parameters absorb the modulation.
                    let factor = row[0].shifted(by: 1)
                    scale = weight * factor
                    shift = bias * factor + row[1]
                }
                return x[rows: sample..<sample + 1].groupNormalized(
                    groups: style.groups, weight: scale, bias: shift, epsilon: style.epsilon, activation: activation,
                    as: type)
            }
            return Tensor.stacked(samples)
        }
    }
}
