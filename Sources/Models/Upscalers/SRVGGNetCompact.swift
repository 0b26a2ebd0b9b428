// A chain of convolutions at the size of the picture, enlarged once at its end.
//
// Paper      Real-ESRGAN, https://arxiv.org/abs/2107.10833
// Reference  Real-ESRGAN `SRVGGNetCompact`, with PReLU
// Golden     Tests/Goldens/models/upscaler-compact*
// Shapes     N batch, H W size of the picture, f factor, F features

package import Checkpoints
import Layers
import Tensor

package struct SRVGGNetCompact: Upscaler {
    package let configuration: Configuration
    private let hidden: [(Convolution, slopes: Tensor)]
    private let output: Convolution

    package init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
        configuration = config
        let body = weights["body"]
        var hidden: [(Convolution, slopes: Tensor)] = []
        for number in 0..<config.depth {
            let width = number == 0 ? config.channels : config.features
            hidden.append(
                (
                    try Convolution(body["\(2 * number)"], width, config.features),
                    try body.tensor("\(2 * number + 1).weight", config.features)
                ))
        }
        self.hidden = hidden
        output = try Convolution(
            body["\(2 * config.depth)"], config.features, config.channels * config.factor * config.factor)
    }

    package var factor: Int { configuration.factor }
    package var unit: Int { 1 }

    /// One pass: the features of a band are small beside the time that they take.
    package var passes: [BandPass] {
        [
            BandPass(
                reads: [0], keeps: [], reach: configuration.depth + 1, factor: factor, pixels: 1 << 16,
                channels: configuration.channels
            ) { planes in
                let x = planes[0]
                let features = hidden.reduce(x) { $1.0($0).rectified(slopes: $1.slopes) }
                return output(features, as: .f32).pixelShuffled(factor) + x.converted(to: .f32).nearest(factor)
            }
        ]
    }
}

extension SRVGGNetCompact {
    /// What the shapes of a checkpoint say; there is no configuration file.
    package struct Configuration: Sendable, Equatable {
        package var channels, features, factor: Int
        /// Convolutions that are followed by a PReLU.
        package var depth: Int

        package init(_ store: CheckpointStore) throws(WeightError) {
            let first = try store.convolutionShape("body.0.weight")
            let width = first.width
            (features, channels) = (first.out, width)
            let last = store.count(of: "body.") - 1
            guard last >= 2, last % 2 == 0 else {
                throw .configuration("body", "\(last + 1) layers, where convolutions and PReLUs take turns")
            }
            depth = last / 2
            let out = try store.convolutionShape("body.\(last).weight").out
            guard let factor = (1...8).first(where: { $0 * $0 * width == out }) else {
                throw .configuration("body.\(last)", "\(out) channels are no square of pixels of \(width)")
            }
            self.factor = factor
        }
    }
}
