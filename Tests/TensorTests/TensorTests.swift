import Tensor
import Testing
import Vocabulary

@Suite struct `A tensor` {
    private let grid = Tensor((0..<24).map(Float.init), [2, 3, 4])

    @Test func `knows its rows and width`() {
        #expect(grid.count == 24 && grid.width == 4 && grid.rows == 6 && grid.rank == 3)
    }

    @Test func `shares storage between views`() {
        #expect(grid[1].shape == [3, 4])
        #expect(grid[1].floats == (12..<24).map(Float.init))
        #expect(grid.reshaped([6, 4])[rows: 4..<6].floats == (16..<24).map(Float.init))
    }

    @Test func `permutes axes`() {
        let permuted = grid.permuted(2, 0, 1)
        #expect(permuted.shape == [4, 2, 3])
        #expect(permuted.floats.prefix(6) == [0, 4, 8, 12, 16, 20])
        #expect(permuted.permuted(1, 2, 0).floats == grid.floats)
    }

    @Test func `joins along the last axis and stacks along the first`() {
        let joined = Tensor([1, 2, 3, 4], [2, 2]).joined(with: Tensor([5, 6], [2, 1]))
        #expect(joined.shape == [2, 3] && joined.floats == [1, 2, 5, 3, 4, 6])
        let stacked = Tensor.stacked([Tensor([1, 2], [1, 2]), Tensor([3, 4, 5, 6], [2, 2])])
        #expect(stacked.shape == [3, 2] && stacked.floats == [1, 2, 3, 4, 5, 6])
    }

    @Test func `takes columns and gathers rows`() {
        #expect(grid.columns(1..<3).shape == [2, 3, 2])
        #expect(grid.columns(1..<3).floats.prefix(4) == [1, 2, 5, 6])
        #expect(grid.reshaped([6, 4]).gathered(rows: [5, 0]).floats == [20, 21, 22, 23, 0, 1, 2, 3])
    }

    @Test func `adds rows and equal shapes`() {
        let x = Tensor([1, 2, 3, 4], [2, 2])
        #expect((x + x).floats == [2, 4, 6, 8])
        #expect((x + Tensor([10, 20], [2])).floats == [11, 22, 13, 24])
        #expect((x - x).floats == [0, 0, 0, 0])
        #expect((x * x).floats == [1, 4, 9, 16])
        #expect(x.blended(2, with: x, -1).floats == x.floats)
    }

    @Test(arguments: [DType.bf16, .f16]) func `rounds to half types and back`(type: DType) {
        let exact: [Float] = [0, 1, -2, 0.5, 96]
        #expect(Tensor(exact, [5]).converted(to: type).floats == exact)
        #expect(Tensor([1 + 1 / 4096], [1]).converted(to: type).floats == [1])
    }

    @Test func `finds what is not finite`() {
        #expect(grid.firstNonFinite == nil)
        #expect(Tensor([0, .nan, 1], [3]).firstNonFinite == 1)
        #expect(Tensor([0, 1, -.infinity], [3]).converted(to: .bf16).firstNonFinite == 2)
        #expect(Tensor([], [0]).firstNonFinite == nil)
    }

    @Test func `gates one half with the other`() {
        let x = Tensor([1, -2, 3, -4], [1, 4])
        #expect(x.gated(.relu, gateSecond: true).floats == [3, 0])
        #expect(x.gated(.relu, gateSecond: false).floats == [3, 0])
    }

    @Test func `of no elements passes through operations`() {
        let empty = Tensor(zeros: [0, 4])
        #expect((empty + empty).count == 0)
        #expect(empty.joined(with: empty).shape == [0, 8])
        #expect(empty.applying(.silu).floats.isEmpty)
    }
}

@Suite struct `A packed matrix` {
    @Test(arguments: [Vocabulary.Precision.f32, .bf16]) func `multiplies and applies its epilogue`(precision: Vocabulary.Precision) throws {
        let weights = try #require(
            PackedMatrix(matrix: Tensor([1, 2, 3, 4, 5, 6], [2, 3]), bias: Tensor([10, -100], [2]), precision))
        let x = Tensor([1, 0, -1, 2, 1, 0], [1, 2, 3])
        #expect(weights.multiply(x, as: .f32).floats == [8, -102, 14, -87])
        let residual = Tensor([1, 1, 1, 1], [1, 2, 2])
        #expect(weights.multiply(x, Epilogue(.relu, scale: 2, residual: residual), as: .f32).floats == [17, 1, 29, 1])
        let bias = Tensor([100, 1000], [1, 2])
        #expect(weights.multiply(x, Epilogue(sampleBias: bias), as: .f32).floats == [108, 898, 114, 913])
    }

    @Test func `convolves with asymmetric padding, stride and upsampling`() throws {
        let ones = try #require(
            PackedMatrix(convolution: Tensor([Float](repeating: 1, count: 9), [1, 1, 3, 3]), bias: nil, .f32))
        let x = Tensor([1, 2, 3, 4], [1, 2, 2, 1])
        let same = ones.convolve(x, ConvolutionGeometry(kernel: 3, before: 1, after: 1), as: .f32)
        #expect(same.floats == [10, 10, 10, 10])
        let down = ones.convolve(x, ConvolutionGeometry(kernel: 3, stride: 2, before: 0, after: 1), as: .f32)
        #expect(down.shape == [1, 1, 1, 1] && down.floats == [10])
        let up = ones.convolve(x, ConvolutionGeometry(kernel: 3, before: 1, after: 1, upsample: 2), as: .f32)
        #expect(up.shape == [1, 4, 4, 1])
        #expect(up.floats == [4, 8, 10, 8, 10, 18, 21, 16, 14, 24, 27, 20, 12, 20, 22, 16])
    }
}

@Suite struct `The arena` {
    @Test func `counts what tensors hold`() {
        let block = Tensor(zeros: [1 << 20])
        #expect(Arena.used >= block.count * 4)
        #expect(Arena.peak >= block.count * 4)
    }
}
