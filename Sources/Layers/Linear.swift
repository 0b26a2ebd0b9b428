package import Checkpoints
package import Tensor
import Vocabulary

/// y = x·Wᵀ + b over the last axis: [..., in] → [..., out]. Checkpoint keys `weight` [out, in] and `bias` [out].
package struct Linear: Sendable {
    private enum Matrix {
        case packed(PackedMatrix)
        case quantized(QuantizedMatrix, bias: Tensor?)
    }

    private let matrix: Matrix
    private let precision: Precision

    /// A bias is expected unless `bias` is false; nil takes one when the checkpoint has it.
    package init(_ weights: Weights, _ width: Int, _ out: Int, bias: Bool? = true) throws(WeightError) {
        let hasBias = bias ?? weights.has("bias")
        let offset = hasBias ? try weights.tensor("bias", out) : nil
        precision = weights.precision
        switch try weights.matrix("weight", out, width) {
        case .quantized(let blocks): matrix = .quantized(blocks, bias: offset)
        case .dense(let values):
            guard let packed = PackedMatrix(matrix: values, bias: offset, precision) else {
                throw .memory(weights.path, bytes: values.count * precision.activations.bytes)
            }
            matrix = .packed(packed)
            weights.forget("weight")
        }
    }

    package func callAsFunction(
        _ x: Tensor, _ epilogue: Epilogue = Epilogue(), as type: DType? = nil
    ) -> Tensor {
        let type = type ?? precision.activations
        switch matrix {
        case .packed(let packed): return packed.multiply(x, epilogue, as: type)
        case .quantized(let blocks, let bias):
            var y = blocks.multiply(x, bias: bias, exact: precision == .f32)
            precondition(epilogue.sampleBias == nil, "quantised weights take no sample bias")
            if epilogue.activation != .identity { y = y.applying(epilogue.activation) }
            if epilogue.scale != 1 { y = y.scaled(by: epilogue.scale) }
            if let residual = epilogue.residual { y = y + residual }
            return y.converted(to: type)
        }
    }
}

/// Rows of a table by index. Checkpoint key `weight` [vocabulary, width].
package struct Embedding: Sendable {
    private enum Table {
        case dense(Tensor)
        case quantized(QuantizedMatrix)
    }

    private let table: Table
    package let vocabulary, width: Int

    package init(_ weights: Weights, _ vocabulary: Int, _ width: Int) throws(WeightError) {
        self.vocabulary = vocabulary
        self.width = width
        table =
            switch try weights.matrix("weight", vocabulary, width) {
            case .dense(let values): .dense(values)
            case .quantized(let blocks): .quantized(blocks)
            }
    }

    /// [ids.count, width] in f32; every id is below `vocabulary`.
    package func callAsFunction(_ ids: [Int]) -> Tensor {
        switch table {
        case .dense(let values): ids.isEmpty ? Tensor(zeros: [0, width]) : values.gathered(rows: ids)
        case .quantized(let blocks): blocks.dequantized(rows: ids)
        }
    }

    /// A run of rows, in f32.
    package func rows(_ range: Range<Int>) -> Tensor { self(Array(range)) }
}
