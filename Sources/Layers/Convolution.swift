package import Checkpoints
package import Tensor

/// Convolution of an image [N, H, W, in] → [N, H', W', out]. Checkpoint keys `weight` [out, in, k, k] and `bias` [out].
package struct Convolution: Sendable {
    private let matrix: PackedMatrix
    private let geometry: ConvolutionGeometry
    private let precision: Precision

    /// `padding` zeros on every side, or `after` at the bottom and right when that differs. `upsample` 2 enlarges the
    /// input by nearest neighbour as it is read. A bias is expected unless `bias` is false; nil takes one if present.
    package init(
        _ weights: Weights, _ width: Int, _ out: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil,
        after: Int? = nil, upsample: Int = 1, bias: Bool? = true
    ) throws(WeightError) {
        let before = padding ?? kernel / 2
        geometry = ConvolutionGeometry(
            kernel: kernel, stride: stride, before: before, after: after ?? before, upsample: upsample)
        precision = weights.precision
        let values = try weights.stored("weight", out, width, kernel, kernel)
        let offset = bias ?? weights.has("bias") ? try weights.tensor("bias", out) : nil
        guard let packed = PackedMatrix(convolution: values, bias: offset, precision) else {
            throw .memory(weights.path, bytes: values.count * precision.activations.bytes)
        }
        matrix = packed
        weights.forget("weight")
    }

    package func callAsFunction(
        _ x: Tensor, _ epilogue: Epilogue = Epilogue(), as type: DType? = nil
    ) -> Tensor {
        matrix.convolve(x, geometry, epilogue, as: type ?? precision.activations)
    }
}

/// One kernel a channel: [N, H, W, C] → [N, H', W', C]. Checkpoint keys `weight` [C, 1, k, k] and `bias` [C].
package struct DepthwiseConvolution: Sendable {
    private let weight: Tensor
    private let bias: Tensor?
    private let geometry: ConvolutionGeometry
    private let precision: Precision

    package init(
        _ weights: Weights, _ channels: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil, bias: Bool? = nil
    ) throws(WeightError) {
        weight = try weights.tensor("weight", channels, 1, kernel, kernel)
        self.bias = bias ?? weights.has("bias") ? try weights.tensor("bias", channels) : nil
        let padding = padding ?? kernel / 2
        geometry = ConvolutionGeometry(kernel: kernel, stride: stride, before: padding, after: padding)
        precision = weights.precision
    }

    package func callAsFunction(_ x: Tensor, _ activation: Activation = .identity, as type: DType? = nil) -> Tensor {
        x.convolvedDepthwise(
            weight, bias: bias, geometry, activation: activation, as: type ?? precision.activations)
    }
}
