import CKernels

/// What happens to a product before it is stored, fused into the kernel's last pass:
/// y = scale · activation(product + bias + sampleBias) + residual.
package struct Epilogue: Sendable {
    package var activation: Activation
    package var scale: Float
    /// Same shape as the result.
    package var residual: Tensor?
    /// [B, N] in f32, one row for each sample of the batch: the time embedding of a ResNet block.
    package var sampleBias: Tensor?

    package init(
        _ activation: Activation = .identity, scale: Float = 1, residual: Tensor? = nil, sampleBias: Tensor? = nil
    ) {
        self.activation = activation
        self.scale = scale
        self.residual = residual
        self.sampleBias = sampleBias
    }
}

/// Weights of a product [.., K] → [.., N] in a form that kernels read directly. Immutable.
///
/// `@unchecked Sendable` proof: the packed block is written once by the initialiser and only read until `deinit`.
@safe package final class PackedMatrix: @unchecked Sendable {
    private let handle: OpaquePointer
    /// N and K.
    package let rows, columns: Int
    /// Bytes that the packed form occupies.
    package var bytes: Int { unsafe lz_packed_bytes(handle) }
    private let bias: Tensor?

    private init?(_ handle: OpaquePointer?, bias: Tensor?) {
        guard let handle = unsafe handle else { return nil }
        unsafe self.handle = unsafe handle
        rows = unsafe lz_packed_rows(handle)
        columns = unsafe lz_packed_columns(handle)
        self.bias = bias?.converted(to: .f32)
        ShapeWalk.current?.keep(unsafe lz_packed_bytes(handle))
        precondition(bias == nil || bias?.count == rows, "a bias of \(bias?.count ?? 0) for \(rows) rows")
    }

    deinit { unsafe lz_packed_free(handle) }

    /// Packs W [N, K] (out × in) and an optional bias [N]; nil when memory runs out.
    package convenience init?(matrix weight: Tensor, bias: Tensor?, _ precision: Precision) {
        precondition(weight.rank == 2, "a matrix has two axes, not \(weight.shape)")
        let handle = unsafe withExtendedLifetime(weight) {
            unsafe lz_pack_matrix(
                weight.read, weight.type.kernel, weight.shape[0], weight.shape[1], weight.shape[1],
                precision.activations.kernel)
        }
        unsafe self.init(handle, bias: bias)
    }

    /// Packs convolution weights [O, I, KH, KW] and an optional bias [O]; nil when memory runs out.
    package convenience init?(convolution weight: Tensor, bias: Tensor?, _ precision: Precision) {
        precondition(weight.rank == 4, "convolution weights have four axes, not \(weight.shape)")
        let handle = unsafe withExtendedLifetime(weight) {
            unsafe lz_pack_convolution(
                weight.read, weight.type.kernel, weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3],
                precision.activations.kernel)
        }
        unsafe self.init(handle, bias: bias)
    }

    /// X [..., K] · Wᵀ → [..., N] in `type`.
    package func multiply(_ x: Tensor, _ epilogue: Epilogue = Epilogue(), as type: DType) -> Tensor {
        precondition(x.width == columns, "a product of rows of \(x.width) with weights of \(columns)")
        let y = Tensor(uninitialized: x.shape.dropLast() + [rows], type)
        withExtendedLifetime((x, y, epilogue.residual, epilogue.sampleBias, bias)) {
            var fused = unsafe fused(epilogue, for: y)
            unsafe lz_matmul(
                x.rows, x.read, x.type.kernel, columns, handle, y.write, type.kernel, rows, &fused)
        }
        return y
    }

    /// Convolution of X [N, H, W, C] → [N, H', W', O] in `type`.
    package func convolve(
        _ x: Tensor, _ geometry: ConvolutionGeometry, _ epilogue: Epilogue = Epilogue(), as type: DType
    ) -> Tensor {
        precondition(x.rank == 4 && columns == geometry.taps * x.width, "\(x.shape) against \(columns) columns")
        var shape = geometry.kernelShape(of: x, out: rows)
        let y = unsafe Tensor(
            uninitialized: [x.shape[0], lz_convolution_out_height(&shape), lz_convolution_out_width(&shape), rows], type
        )
        withExtendedLifetime((x, y, epilogue.residual, epilogue.sampleBias, bias)) {
            var fused = unsafe fused(epilogue, for: y)
            unsafe lz_convolve(
                &shape, x.read, x.type.kernel, x.width, handle, y.write, type.kernel, rows, &fused)
        }
        return y
    }

    private func fused(_ epilogue: Epilogue, for y: Tensor) -> lz_epilogue {
        var fused = unsafe lz_epilogue()
        unsafe fused.bias = unsafe bias?.floatPointer
        unsafe fused.activation = epilogue.activation.kernel
        unsafe fused.scale = epilogue.scale
        if let residual = epilogue.residual {
            precondition(residual.shape == y.shape, "a residual \(residual.shape) for a result \(y.shape)")
            unsafe fused.residual = unsafe residual.read
            unsafe fused.residual_stride = rows
            unsafe fused.residual_type = residual.type.kernel
        }
        if let sampleBias = epilogue.sampleBias {
            let batch = max(1, y.shape[0])
            precondition(sampleBias.count == batch * rows, "a sample bias \(sampleBias.shape) for a result \(y.shape)")
            unsafe fused.sample_bias = unsafe sampleBias.floatPointer
            unsafe fused.rows_per_sample = y.rows / batch
        }
        return unsafe fused
    }
}

/// Kernel size, stride, zero padding and upsampling of a convolution.
package struct ConvolutionGeometry: Sendable {
    package var kernel: Int
    package var stride: Int
    /// Zeros added at the top and left, and at the bottom and right.
    package var before, after: Int
    /// Nearest-neighbour enlargement of the input while it is read: 1 or 2.
    package var upsample: Int

    package init(kernel: Int, stride: Int = 1, before: Int, after: Int, upsample: Int = 1) {
        self.kernel = kernel
        self.stride = stride
        self.before = before
        self.after = after
        self.upsample = upsample
    }

    package var taps: Int { kernel * kernel }

    func kernelShape(of x: Tensor, out: Int) -> lz_convolution {
        lz_convolution(
            batch: x.shape[0], height: x.shape[1], width: x.shape[2], in_channels: x.width, out_channels: out,
            kernel_height: kernel, kernel_width: kernel, stride: stride, pad_top: before, pad_left: before,
            pad_bottom: after, pad_right: after, upsample: upsample)
    }
}

extension Tensor {
    /// Depthwise convolution of [N, H, W, C] with f32 weights [C, 1, K, K] and an optional f32 bias [C].
    package func convolvedDepthwise(
        _ weight: Tensor, bias: Tensor?, _ geometry: ConvolutionGeometry, activation: Activation = .identity,
        as type: DType
    ) -> Tensor {
        precondition(rank == 4 && weight.count == width * geometry.taps, "\(shape) with \(weight.shape)")
        var shape = geometry.kernelShape(of: self, out: width)
        let y = unsafe Tensor(
            uninitialized: [
                self.shape[0], lz_convolution_out_height(&shape), lz_convolution_out_width(&shape), width,
            ], type)
        withExtendedLifetime((self, weight, bias, y)) {
            var fused = unsafe lz_epilogue()
            unsafe fused.bias = unsafe bias?.floatPointer
            unsafe fused.activation = activation.kernel
            unsafe fused.scale = 1
            unsafe lz_convolve_depthwise(
                &shape, read, self.type.kernel, weight.floatPointer, y.write, type.kernel, &fused)
        }
        return y
    }
}
