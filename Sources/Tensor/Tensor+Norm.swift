import CKernels

extension Tensor {
    /// GroupNorm of an image [N, H, W, C] (Wu & He 2018), then `activation`; weight and bias [C] in f32.
    package func groupNormalized(
        groups: Int, weight: Tensor, bias: Tensor, epsilon: Float, activation: Activation = .identity, as type: DType
    ) -> Tensor {
        precondition(
            width % groups == 0 && weight.count == width && bias.count == width, "\(width) in \(groups) groups")
        precondition(weight.type == .f32 && bias.type == .f32, "norm parameters are f32")
        let y = Tensor(uninitialized: shape, type)
        let batch = shape.first ?? 1
        withExtendedLifetime((self, weight, bias, y)) {
            unsafe lz_group_norm(
                batch, batch == 0 ? 0 : rows / batch, width, groups, read, self.type.kernel, weight.floatPointer,
                bias.floatPointer, epsilon, activation.kernel, y.write, y.type.kernel)
        }
        return y
    }

    /// The moments of the groups of one image [1, H, W, C].
    package func groupMoments(groups: Int) -> GroupMoments {
        precondition(width % groups == 0 && shape.first == 1, "\(shape) in \(groups) groups")
        var moments = [lz_moments](repeating: lz_moments(), count: groups)
        withExtendedLifetime(self) {
            unsafe lz_group_moments(rows, width, groups, read, type.kernel, &moments)
        }
        return GroupMoments(groups: moments)
    }

    /// GroupNorm of a part [1, H, W, C] of an image by the moments of the whole, then `activation`.
    package func groupNormalized(
        by moments: GroupMoments, weight: Tensor, bias: Tensor, epsilon: Float, activation: Activation = .identity,
        as type: DType
    ) -> Tensor {
        let groups = moments.groups.count
        precondition(
            width % groups == 0 && weight.count == width && bias.count == width, "\(width) in \(groups) groups")
        precondition(weight.type == .f32 && bias.type == .f32, "norm parameters are f32")
        let y = Tensor(uninitialized: shape, type)
        withExtendedLifetime((self, weight, bias, y)) {
            unsafe lz_group_norm_by(
                rows, width, groups, read, self.type.kernel, moments.groups, weight.floatPointer, bias.floatPointer,
                epsilon, activation.kernel, y.write, y.type.kernel)
        }
        return y
    }

    /// LayerNorm over the last axis (Ba et al. 2016); weight and bias [D] in f32, each optional.
    package func layerNormalized(weight: Tensor?, bias: Tensor?, epsilon: Float, as type: DType) -> Tensor {
        let y = Tensor(uninitialized: shape, type)
        withExtendedLifetime((self, weight, bias, y)) {
            unsafe lz_layer_norm(
                rows, width, read, self.type.kernel, weight?.floatPointer, bias?.floatPointer, epsilon, y.write,
                y.type.kernel)
        }
        return y
    }

    /// RMSNorm over runs of `weight.count` elements of the last axis (Zhang & Sennrich 2019): one run per head for a
    /// query–key norm, the whole row otherwise.
    package func rmsNormalized(weight: Tensor, epsilon: Float, as type: DType) -> Tensor {
        let run = weight.count
        precondition(run > 0 && width % run == 0, "runs of \(run) do not fill rows of \(width)")
        let y = Tensor(uninitialized: shape, type)
        withExtendedLifetime((self, weight, y)) {
            unsafe lz_rms_norm(
                count / run, run, read, self.type.kernel, run, weight.floatPointer, epsilon, y.write, y.type.kernel, run
            )
        }
        return y
    }

    /// Typed address of f32 elements; the caller keeps the tensor alive.
    var floatPointer: UnsafePointer<Float> {
        precondition(type == .f32, "\(type) read as f32")
        return unsafe read.assumingMemoryBound(to: Float.self)
    }
}

/// Count, mean and squared distances of each group of an image, which parts of it add up to.
package struct GroupMoments: Sendable {
    fileprivate(set) var groups: [lz_moments]

    /// Takes in the moments of another part.
    package mutating func join(_ other: GroupMoments) {
        precondition(groups.count == other.groups.count, "\(groups.count) and \(other.groups.count) groups")
        for index in groups.indices { unsafe lz_join_moments(&groups[index], other.groups[index]) }
    }
}
