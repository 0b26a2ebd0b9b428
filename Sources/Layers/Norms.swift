package import Checkpoints
package import Tensor

/// GroupNorm of an image [N, H, W, C] (Wu & He 2018). Checkpoint keys `weight` and `bias` [C].
package struct GroupNorm: Sendable {
    private let weight, bias: Tensor
    private let groups: Int
    private let epsilon: Float
    private let precision: Precision

    package init(_ weights: Weights, _ channels: Int, groups: Int = 32, epsilon: Float = 1e-5) throws(WeightError) {
        guard groups > 0, channels % groups == 0 else {
            throw .configuration(weights.path, "\(channels) channels do not divide into \(groups) groups")
        }
        weight = try weights.tensor("weight", channels)
        bias = try weights.tensor("bias", channels)
        self.groups = groups
        self.epsilon = epsilon
        precision = weights.precision
    }

    /// The normalised image, then `activation`, in one pass.
    package func callAsFunction(_ x: Tensor, _ activation: Activation = .identity, as type: DType? = nil) -> Tensor {
        x.groupNormalized(
            groups: groups, weight: weight, bias: bias, epsilon: epsilon, activation: activation,
            as: type ?? precision.activations)
    }

    /// The same of a band of an image by the moments of the whole; nil where those are only being measured.
    package func callAsFunction(_ x: Tensor, _ activation: Activation, _ bands: BandNorms) -> Tensor? {
        bands.moments(of: x, groups: groups).map {
            x.groupNormalized(
                by: $0, weight: weight, bias: bias, epsilon: epsilon, activation: activation,
                as: precision.activations)
        }
    }
}

/// LayerNorm over the last axis (Ba et al. 2016). Checkpoint keys `weight` and `bias` [width].
package struct LayerNorm: Sendable {
    private let weight, bias: Tensor?
    private let epsilon: Float
    private let precision: Precision

    /// With `affine` false there are no parameters.
    package init(_ weights: Weights, _ width: Int, epsilon: Float = 1e-5, affine: Bool = true) throws(WeightError) {
        weight = affine ? try weights.tensor("weight", width) : nil
        bias = affine ? try weights.tensor("bias", width) : nil
        self.epsilon = epsilon
        precision = weights.precision
    }

    package func callAsFunction(_ x: Tensor, as type: DType? = nil) -> Tensor {
        x.layerNormalized(weight: weight, bias: bias, epsilon: epsilon, as: type ?? precision.activations)
    }
}

/// RMSNorm over runs of `width` elements of the last axis (Zhang & Sennrich 2019). Checkpoint key `weight` [width].
package struct RMSNorm: Sendable {
    private let weight: Tensor
    private let epsilon: Float
    private let precision: Precision

    package init(_ weights: Weights, _ width: Int, epsilon: Float) throws(WeightError) {
        weight = try weights.tensor("weight", width)
        self.epsilon = epsilon
        precision = weights.precision
    }

    package func callAsFunction(_ x: Tensor, as type: DType? = nil) -> Tensor {
        x.rmsNormalized(weight: weight, epsilon: epsilon, as: type ?? precision.activations)
    }
}
