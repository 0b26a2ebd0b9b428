import CKernels

extension Tensor {
    /// The same values in another type, rounded to nearest even; returns itself when the type is already right.
    package func converted(to type: DType) -> Tensor {
        guard type != self.type else { return self }
        let y = Tensor(uninitialized: shape, type)
        withExtendedLifetime((self, y)) {
            unsafe lz_convert(count, read, self.type.kernel, y.write, type.kernel)
        }
        return y
    }

    /// a·self + b·other, elementwise over equal shapes; in the type of self unless `type` says otherwise.
    package func blended(_ a: Float, with other: Tensor, _ b: Float, as type: DType? = nil) -> Tensor {
        precondition(shape == other.shape, "blending \(shape) with \(other.shape)")
        let y = Tensor(uninitialized: shape, type ?? self.type)
        withExtendedLifetime((self, other, y)) {
            unsafe lz_blend(
                count, a, read, self.type.kernel, b, other.read, other.type.kernel, y.write, y.type.kernel)
        }
        return y
    }

    /// factor·self.
    package func scaled(by factor: Float, as type: DType? = nil) -> Tensor {
        let y = Tensor(uninitialized: shape, type ?? self.type)
        withExtendedLifetime((self, y)) {
            unsafe lz_blend(count, factor, read, self.type.kernel, 0, nil, LZ_F32, y.write, y.type.kernel)
        }
        return y
    }

    /// Sum of equal shapes, or of self [..., D] and a row [D] that is added to every row.
    package static func + (x: Tensor, z: Tensor) -> Tensor {
        guard z.shape != x.shape else { return x.blended(1, with: z, 1) }
        precondition(z.count == x.width, "adding \(z.shape) to \(x.shape)")
        let y = Tensor(uninitialized: x.shape, x.type)
        withExtendedLifetime((x, z, y)) {
            unsafe lz_add_row(
                x.rows, x.width, x.read, x.type.kernel, z.read, z.type.kernel, y.write, y.type.kernel)
        }
        return y
    }

    package static func - (x: Tensor, z: Tensor) -> Tensor { x.blended(1, with: z, -1) }

    /// Elementwise product of equal shapes.
    package static func * (x: Tensor, z: Tensor) -> Tensor {
        precondition(x.shape == z.shape, "multiplying \(x.shape) with \(z.shape)")
        let y = Tensor(uninitialized: x.shape, x.type)
        withExtendedLifetime((x, z, y)) {
            unsafe lz_multiply(x.count, x.read, x.type.kernel, z.read, z.type.kernel, y.write, y.type.kernel)
        }
        return y
    }

    /// activation(self).
    package func applying(_ activation: Activation, as type: DType? = nil) -> Tensor {
        let y = Tensor(uninitialized: shape, type ?? self.type)
        withExtendedLifetime((self, y)) {
            unsafe lz_activate(count, activation.kernel, read, self.type.kernel, y.write, y.type.kernel)
        }
        return y
    }

    /// x where it is positive, else slopes·x with one slope [D] for each channel of [..., D].
    package func rectified(slopes: Tensor) -> Tensor {
        precondition(slopes.count == width && slopes.type == .f32, "\(slopes.shape) slopes for \(shape)")
        let y = Tensor(uninitialized: shape, type)
        withExtendedLifetime((self, slopes, y)) {
            unsafe lz_prelu(
                rows, width, read, type.kernel, slopes.read.assumingMemoryBound(to: Float.self), y.write,
                y.type.kernel)
        }
        return y
    }

    /// [..., 2D] → [..., D]. `gateSecond`: first half × activation(second half), as GEGLU of diffusers;
    /// otherwise activation(first half) × second half, as SwiGLU.
    package func gated(_ activation: Activation, gateSecond: Bool) -> Tensor {
        precondition(width % 2 == 0, "a gated unit halves its width, \(width) is odd")
        let y = Tensor(uninitialized: shape.dropLast() + [width / 2], type)
        withExtendedLifetime((self, y)) {
            unsafe lz_gated(
                rows, width / 2, activation.kernel, gateSecond, read, type.kernel, y.write, y.type.kernel)
        }
        return y
    }

    /// Joins along the last axis: [..., D] ‖ [..., E] → [..., D + E].
    package func joined(with other: Tensor) -> Tensor {
        precondition(shape.dropLast() == other.shape.dropLast(), "joining \(shape) with \(other.shape)")
        let other = other.converted(to: type)
        let y = Tensor(uninitialized: shape.dropLast() + [width + other.width], type)
        withExtendedLifetime((self, other, y)) {
            unsafe lz_join(rows, width, read, other.width, other.read, y.write, type.kernel)
        }
        return y
    }

    /// Part of the last axis, copied: [..., D] → [..., range.count].
    package func columns(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= width, "columns \(range) of \(shape)")
        let y = Tensor(uninitialized: shape.dropLast() + [range.count], type)
        guard y.storage.walk == nil else { return y }
        let (stride, run) = (width * type.bytes, range.count * type.bytes)
        withExtendedLifetime((self, y)) {
            for row in 0..<rows {
                unsafe (y.write + row * run).copyMemory(
                    from: read + row * stride + range.lowerBound * type.bytes, byteCount: run)
            }
        }
        return y
    }

    /// Joins along the first axis; all parts have the same remaining shape and the type of the first.
    package static func stacked(_ parts: [Tensor]) -> Tensor {
        precondition(!parts.isEmpty, "stacking needs a part")
        let type = parts[0].type
        let rest = parts[0].shape.dropFirst()
        let y = Tensor(uninitialized: [parts.reduce(0) { $0 + $1.shape[0] }] + rest, type)
        var at = 0
        for part in parts {
            precondition(part.shape.dropFirst() == rest, "stacking \(part.shape) under \(parts[0].shape)")
            let part = part.converted(to: type)
            guard y.storage.walk == nil else { continue }
            withExtendedLifetime((part, y)) {
                unsafe (y.write + at).copyMemory(from: part.read, byteCount: part.count * type.bytes)
            }
            at += part.count * type.bytes
        }
        return y
    }

    /// Rows `indices` of a matrix [N, D], copied, in f32.
    package func gathered(rows indices: [Int]) -> Tensor {
        precondition(rank == 2, "gathering rows of \(shape)")
        return Tensor.stacked(indices.map { self[rows: $0..<$0 + 1].converted(to: .f32) })
    }

    /// Index of the first element that is NaN or infinite, nil when all are finite.
    package var firstNonFinite: Int? {
        let index = withExtendedLifetime(self) { unsafe lz_first_non_finite(count, read, type.kernel) }
        return (0..<count).contains(index) ? index : nil
    }

    /// The axes in the order `axes`, copied: [N, C, H, W] → [N, H, W, C] is `permuted(0, 2, 3, 1)`. Slow; for edges only.
    package func permuted(_ axes: Int...) -> Tensor {
        precondition(axes.sorted() == Array(0..<rank), "\(axes) is no order of \(rank) axes")
        let source = floats
        let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
        let target = axes.map { shape[$0] }
        let steps = axes.map { strides[$0] }
        var values = [Float](repeating: 0, count: count)
        var index = [Int](repeating: 0, count: rank)
        var at = 0
        for i in values.indices {
            values[i] = source[at]
            for axis in stride(from: rank - 1, through: 0, by: -1) {
                index[axis] += 1
                at += steps[axis]
                if index[axis] < target[axis] { break }
                at -= steps[axis] * target[axis]
                index[axis] = 0
            }
        }
        return Tensor(values, target).converted(to: type)
    }
}
