// One level of a UNet on its way down, at the bottom, and up.
//
// Weights  diffusers `CrossAttnDownBlock2D`, `DownBlock2D`, `UNetMidBlock2DCrossAttn`, `CrossAttnUpBlock2D`, `UpBlock2D`
//          and DreamLite's of the same build
// Shapes   N batch, H W size, C channels, E width of the time embedding

import Checkpoints
import Layers
import Tensor

/// What one pass through the network carries past the pixels.
struct UNetPass {
    /// The activated time embedding, [N, E] in f32.
    let time: Tensor
    /// Which text tokens are seen.
    let mask: AttentionMask
    private var memories: ArraySlice<SpatialTransformer.Attention.Memory>

    init(time: Tensor, mask: AttentionMask, memories: [SpatialTransformer.Attention.Memory]) {
        self.time = time
        self.mask = mask
        self.memories = memories[...]
    }

    /// Keys and values of the text for the attention that reads it next.
    mutating func nextMemory() -> SpatialTransformer.Attention.Memory {
        guard let memory = memories.popFirst() else { preconditionFailure("more attentions than memories of the text") }
        return memory
    }
}

/// Resnet blocks, each followed by a transformer where the level has attention.
struct UNetLevel: Sendable {
    let resnets: [ResnetBlock]
    /// Empty, or one for each resnet block.
    let transformers: [SpatialTransformer]

    /// `widths` are the channels that enter each resnet block, `depths` the blocks of each transformer; `attention` nil:
    /// no transformers.
    init(
        _ weights: Weights, _ widths: [Int], _ out: Int, _ resnet: ResnetBlock.Style,
        _ attention: SpatialTransformer.Style?, depths: [Int]
    ) throws(WeightError) {
        var resnets: [ResnetBlock] = []
        for (index, width) in widths.enumerated() {
            resnets.append(try ResnetBlock(weights["resnets", String(index)], width, out, resnet))
        }
        self.resnets = resnets
        var transformers: [SpatialTransformer] = []
        for (index, depth) in depths.enumerated() {
            guard var style = attention else { break }
            style.depth = depth
            transformers.append(try SpatialTransformer(weights["attentions", String(index)], out, style))
        }
        self.transformers = transformers
    }

    var textAttentions: [SpatialTransformer.Attention] { transformers.flatMap(\.textAttentions) }

    /// Resnet block `index` and its transformer.
    func step(_ index: Int, _ x: Tensor, _ pass: inout UNetPass) -> Tensor {
        let x = resnets[index](x, time: pass.time)
        return transformers.isEmpty ? x : transformers[index](x, &pass)
    }
}

struct DownBlock: Sendable {
    let level: UNetLevel
    /// Halves height and width; absent at the bottom.
    let shrink: Convolution?

    /// Appends every intermediate result to `skips`.
    func callAsFunction(_ x: Tensor, skips: inout [Tensor], _ pass: inout UNetPass) -> Tensor {
        var x = x
        for index in level.resnets.indices {
            x = level.step(index, x, &pass)
            skips.append(x)
        }
        if let shrink {
            x = shrink(x, as: x.type)
            skips.append(x)
        }
        return x
    }
}

/// A resnet block, then transformers and resnet blocks in turn.
struct MidBlock: Sendable {
    let resnets: [ResnetBlock]
    let transformers: [SpatialTransformer]

    var textAttentions: [SpatialTransformer.Attention] { transformers.flatMap(\.textAttentions) }

    func callAsFunction(_ x: Tensor, _ pass: inout UNetPass) -> Tensor {
        var x = resnets[0](x, time: pass.time)
        for (transformer, resnet) in zip(transformers, resnets.dropFirst()) {
            x = resnet(transformer(x, &pass), time: pass.time)
        }
        return x
    }
}

struct UpBlock: Sendable {
    let level: UNetLevel
    /// Doubles height and width; absent at the top.
    let enlarge: Enlargement?

    /// Consumes one of `skips` for each resnet block, joined on the channel axis.
    func callAsFunction(_ x: Tensor, skips: inout [Tensor], _ pass: inout UNetPass) -> Tensor {
        var x = x
        for index in level.resnets.indices {
            x = level.step(index, x.joined(with: skips.removeLast()), &pass)
        }
        guard let enlarge, let next = skips.last else { return x }
        return enlarge(x, height: next.shape[1], width: next.shape[2])
    }
}

/// Nearest-neighbour enlargement to about twice the size, then a 3×3 convolution.
struct Enlargement: Sendable {
    private let matrix: PackedMatrix

    init(_ weights: Weights, _ channels: Int) throws(WeightError) {
        let values = try weights.stored("weight", channels, channels, 3, 3)
        let bias = try weights.tensor("bias", channels)
        guard let packed = PackedMatrix(convolution: values, bias: bias, weights.precision) else {
            throw .memory(weights.path, bytes: values.count * weights.precision.activations.bytes)
        }
        matrix = packed
    }

    /// [N, h, w, C] → [N, height, width, C]; `height` is 2h or 2h − 1, where the level above had an odd size.
    func callAsFunction(_ x: Tensor, height: Int, width: Int) -> Tensor {
        if height == 2 * x.shape[1] && width == 2 * x.shape[2] {
            return matrix.convolve(x, ConvolutionGeometry(kernel: 3, before: 1, after: 1, upsample: 2), as: x.type)
        }
        // The convolution's zero padding begins at the odd edge, so the enlarged image has to exist.
        return matrix.convolve(
            x.enlarged(height: height, width: width), ConvolutionGeometry(kernel: 3, before: 1, after: 1), as: x.type)
    }
}

extension Tensor {
    /// Twice the size by nearest neighbour, cut to `height` × `width`: [N, h, w, C] → [N, height, width, C].
    func enlarged(height: Int, width: Int) -> Tensor {
        let (rows, columns) = (shape[1], shape[2])
        let indices = (0..<shape[0]).flatMap { sample in
            (0..<height).flatMap { y in (0..<width).map { x in (sample * rows + y / 2) * columns + x / 2 } }
        }
        let pixels = reshaped([shape[0] * rows * columns, shape[3]])
        return pixels.gathered(rows: indices).reshaped([shape[0], height, width, shape[3]])
    }
}
