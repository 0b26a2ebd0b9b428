// Residual-in-residual dense blocks: ESRGAN and Real-ESRGAN.
//
// Paper      ESRGAN, https://arxiv.org/abs/1809.00219; Real-ESRGAN, https://arxiv.org/abs/2107.10833
// Reference  BasicSR `RRDBNet`
// Golden     Tests/Goldens/models/upscaler-rrdb*
// Shapes     N batch, H W size of the picture, u = 4 / factor pixels joined on the channel axis, F features, G growth

package import Checkpoints
import Layers
package import Tensor

package struct RRDBNet: Upscaler {
    package let configuration: Configuration
    private let input, trunk, detail, output: Convolution
    private let blocks: [Block]
    private let enlarging: [Convolution]
    private let slopes: Tensor

    package init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
        configuration = config
        let features = config.features
        input = try Convolution(weights["conv_first"], config.inputs, features)
        blocks = try weights["body"].each(config.blocks) { (weights) throws(WeightError) in
            try Block(weights, config)
        }
        trunk = try Convolution(weights["conv_body"], features, features)
        var enlarging: [Convolution] = []
        for number in 1...config.doublings {
            enlarging.append(try Convolution(weights["conv_up\(number)"], features, features, upsample: 2))
        }
        self.enlarging = enlarging
        detail = try Convolution(weights["conv_hr"], features, features)
        output = try Convolution(weights["conv_last"], features, config.outputs)
        slopes = leakySlopes(features)
    }

    package var factor: Int { (1 << configuration.doublings) / configuration.unshuffle }
    package var unit: Int { configuration.unshuffle }

    package func prepared(_ x: Tensor) -> Tensor {
        configuration.unshuffle == 1 ? x : x.pixelUnshuffled(configuration.unshuffle)
    }

    /// Planes: the pixels; then the first features, the block's input where its second and third part follow, and what
    /// the last pass made; at the end the features that are enlarged.
    package var passes: [BandPass] {
        let features = configuration.features
        let head = BandPass(reads: [0], keeps: [], reach: 1, pixels: 1 << 16, channels: features) { input($0[0]) }
        let body = blocks.indices.flatMap { number -> [BandPass] in
            let last = number == 0 ? 0 : 1
            let parts = blocks[number].dense
            return [
                BandPass(reads: [last], keeps: [0, last], reach: 5, pixels: 1 << 15, channels: features) {
                    parts[0]($0[0])
                },
                BandPass(reads: [2], keeps: [0, 1], reach: 5, pixels: 1 << 15, channels: features) { parts[1]($0[0]) },
                BandPass(reads: [2, 1], keeps: [0], reach: 5, pixels: 1 << 15, channels: features) {
                    $0[1].blended(1, with: parts[2]($0[0]), Block.share)
                },
            ]
        }
        let sum = BandPass(
            reads: [blocks.isEmpty ? 0 : 1, 0], keeps: [], reach: 1, pixels: 1 << 16, channels: features
        ) {
            trunk($0[0], Epilogue(residual: $0[1]))
        }
        let enlargement = 1 << configuration.doublings
        let tail = BandPass(
            reads: [0], keeps: [], reach: 2, factor: enlargement, pixels: (1 << 17) / (enlargement * enlargement),
            channels: configuration.outputs
        ) { planes in
            let hidden = enlarging.reduce(planes[0]) { $1($0).rectified(slopes: slopes) }
            return output(detail(hidden).rectified(slopes: slopes), as: .f32)
        }
        return [head] + body + [sum, tail]
    }
}

extension RRDBNet {
    /// Three dense blocks beside an identity.
    private struct Block: Sendable {
        let dense: [Dense]

        init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
            dense = [
                try Dense(weights["rdb1"], config), try Dense(weights["rdb2"], config),
                try Dense(weights["rdb3"], config),
            ]
        }

        /// Share of a block's own output in the sum with its input.
        static let share: Float = 0.2
    }

    /// Five convolutions, each reading the input and all outputs before it.
    private struct Dense: Sendable {
        private let growing: [Convolution]
        private let last: Convolution
        private let slopes: Tensor

        init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
            var growing: [Convolution] = []
            for number in 0..<4 {
                let width = config.features + number * config.growth
                growing.append(try Convolution(weights["conv\(number + 1)"], width, config.growth))
            }
            self.growing = growing
            last = try Convolution(weights["conv5"], config.features + 4 * config.growth, config.features)
            slopes = leakySlopes(config.growth)
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            let read = growing.reduce(x) { $0.joined(with: $1($0).rectified(slopes: slopes)) }
            return last(read, Epilogue(scale: Block.share, residual: x))
        }
    }

    /// What the shapes of a checkpoint say; there is no configuration file.
    package struct Configuration: Sendable, Equatable {
        package var features, growth, blocks, inputs, outputs, doublings: Int
        /// Pixels of a side that are joined on the channel axis first.
        package var unshuffle: Int

        package init(_ store: CheckpointStore) throws(WeightError) {
            let first = try store.convolutionShape("conv_first.weight")
            (features, inputs) = (first.out, first.width)
            growth = try store.convolutionShape("body.0.rdb1.conv1.weight").out
            outputs = try store.convolutionShape("conv_last.weight").out
            blocks = store.count(of: "body.")
            var ups = 0
            while store.contains("conv_up\(ups + 1).weight") { ups += 1 }
            doublings = ups
            guard (1...5).contains(ups) else {
                throw .configuration("conv_up", "\(ups) enlargements, of 1 to 5 that there may be")
            }
            let squares = [1, 4, 16]
            guard outputs > 0, inputs % outputs == 0, let square = squares.firstIndex(of: inputs / outputs) else {
                throw .configuration("conv_first", "it reads \(inputs) channels to make \(outputs)")
            }
            unshuffle = 1 << square
            guard unshuffle <= 1 << ups else {
                throw .configuration("conv_first", "it joins \(unshuffle) pixels and enlarges by \(1 << ups) only")
            }
        }
    }
}

/// Slopes of a leaky ReLU: 0.2 in every network here.
private func leakySlopes(_ channels: Int) -> Tensor { Tensor([Float](repeating: 0.2, count: channels), [channels]) }
