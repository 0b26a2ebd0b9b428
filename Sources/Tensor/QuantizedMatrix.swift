import CKernels

/// A GGUF block format, by GGML's type numbers.
package enum Quantization: UInt32, Sendable, CaseIterable {
    case q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q4_K = 12, q5_K = 13, q6_K = 14

    var kernel: lz_quantisation { lz_quantisation(rawValue) }
    /// Elements of one block: 32 or 256.
    package var blockElements: Int { lz_block_elements(kernel) }
    /// Bytes of one block.
    package var blockBytes: Int { lz_block_bytes(kernel) }
}

/// Weights [N, K] as blocks of a GGUF file, read where they lie.
package struct QuantizedMatrix: Sendable {
    package let rows, columns: Int
    package let format: Quantization
    private let blocks: Storage

    /// `bytes` are N·K/blockElements blocks that `owner` keeps alive; K is a multiple of the block.
    package init(
        mapped bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, _ rows: Int, _ columns: Int,
        _ format: Quantization
    ) {
        precondition(columns % format.blockElements == 0, "\(columns) columns do not fill blocks of \(format)")
        precondition(bytes.count == rows * columns / format.blockElements * format.blockBytes, "\(bytes.count) bytes")
        self.rows = rows
        self.columns = columns
        self.format = format
        blocks = unsafe Storage(mapped: bytes, owner: owner)
    }

    /// X [..., K] · Wᵀ (+ bias [N]) → [..., N] in f32. `exact` keeps X in f32; otherwise it is rounded to 8 bits or bf16.
    package func multiply(_ x: Tensor, bias: Tensor? = nil, exact: Bool) -> Tensor {
        precondition(x.width == columns, "a product of rows of \(x.width) with weights of \(columns)")
        let x = x.converted(to: .f32)
        let y = Tensor(uninitialized: x.shape.dropLast() + [rows], .f32)
        if let walk = ShapeWalk.current {
            unsafe walk.read(UnsafeRawPointer(blocks.pointer), blocks.capacity)
            return y
        }
        withExtendedLifetime((x, y, bias, blocks)) {
            unsafe lz_matmul_quantised(
                x.rows, rows, columns, x.floatPointer, columns, format.kernel, blocks.pointer,
                y.write.assumingMemoryBound(to: Float.self), rows, bias?.floatPointer, exact)
        }
        return y
    }

    /// Some rows, dequantised: [indices, K].
    package func dequantized(rows indices: [Int], as type: DType = .f32) -> Tensor {
        let y = Tensor(uninitialized: [indices.count, columns], type)
        let stride = columns / format.blockElements * format.blockBytes
        withExtendedLifetime((y, blocks)) {
            for (i, row) in indices.enumerated() {
                precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
                unsafe lz_dequantise(
                    format.kernel, columns, blocks.pointer + row * stride, y.write + i * columns * type.bytes,
                    type.kernel)
            }
        }
        return y
    }

    /// The whole matrix, dequantised: [N, K].
    package func dequantized(as type: DType = .f32) -> Tensor {
        let y = Tensor(uninitialized: [rows, columns], type)
        withExtendedLifetime((y, blocks)) {
            unsafe lz_dequantise(format.kernel, rows * columns, blocks.pointer, y.write, type.kernel)
        }
        return y
    }
}
