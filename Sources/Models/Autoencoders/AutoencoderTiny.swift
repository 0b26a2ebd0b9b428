// Small convolutional autoencoder of latents.
//
// Source   TAESD, https://github.com/madebyollin/taesd
// Weights  diffusers `AutoencoderTiny`
// Golden   Tests/Goldens/models/autoencoder-tiny*
// Shapes   N batch, H W latent size, C latent channels, f pixels of a latent's side

package import Checkpoints
import Layers
package import Tensor

package struct AutoencoderTiny: Sendable {
    package let configuration: Configuration
    let encoder, decoder: Network

    package init(_ weights: Weights, _ config: Configuration) throws(WeightError) {
        configuration = config
        encoder = try Network(encoder: weights["encoder", "layers"], config)
        decoder = try Network(decoder: weights["decoder", "layers"], config)
    }

    /// Pixels of the denoiser's latents: [N, H, W, C] → [N, H·f, W·f, 3], −1 black to 1 white, not clamped, f32.
    /// `band`: so many lines of pixels at a time, for less memory and the same result.
    package func decode(_ latents: Tensor, band: Int? = nil) -> Tensor {
        let raw = latents.scaled(by: 1 / configuration.scale, as: .f32).shifted(by: configuration.shift)
        let limited = raw.scaled(by: 1 / 3).applying(.tanh).scaled(by: 3)
        // The network's own pixels run from 0 to 1.
        let pixels = band.map { decoder.banded(limited, max(1, $0 / configuration.factor)) } ?? decoder(limited)
        return pixels.scaled(by: 2).shifted(by: -1)
    }

    /// Latents for the denoiser: pixels [N, H·f, W·f, 3] in −1 ... 1 → [N, H, W, C] in f32.
    /// `band` as in decoding.
    package func encode(_ pixels: Tensor, band: Int? = nil) -> Tensor {
        let pixels = pixels.scaled(by: 0.5, as: .f32).shifted(by: 0.5)
        let raw = band.map { encoder.banded(pixels, $0) } ?? encoder(pixels)
        return raw.shifted(by: -configuration.shift).scaled(by: configuration.scale)
    }
}

extension AutoencoderTiny {
    /// One half: convolutions and blocks in the order of the checkpoint's numbering.
    struct Network: Sendable {
        private enum Stage: Sendable {
            /// Lines of the result for a line before: 1, 2, or ½.
            case convolution(Convolution, Activation, scale: Double)
            case block(Block)
        }

        private let stages: [Stage]
        private let output: Convolution

        init(encoder layers: Weights, _ config: Configuration) throws(WeightError) {
            var stages: [Stage] = []
            var width = config.channels
            for (next, blocks) in zip(config.encoderWidths, config.encoderBlocks) {
                let at = layers[String(stages.count)]
                let convolution =
                    stages.isEmpty
                    ? try Convolution(at, width, next) : try Convolution(at, width, next, stride: 2, bias: false)
                stages.append(.convolution(convolution, .identity, scale: stages.isEmpty ? 1 : 0.5))
                width = next
                for _ in 0..<blocks {
                    stages.append(.block(try Block(layers[String(stages.count)], width, config.activation)))
                }
            }
            output = try Convolution(layers[String(stages.count)], width, config.latents)
            self.stages = stages
        }

        init(decoder layers: Weights, _ config: Configuration) throws(WeightError) {
            let input = try Convolution(layers["0"], config.latents, config.decoderWidths[0])
            var stages: [Stage] = [.convolution(input, config.activation, scale: 1)]
            var index = 2
            for (level, width) in config.decoderWidths.enumerated() {
                for _ in 0..<config.decoderBlocks[level] {
                    stages.append(.block(try Block(layers[String(index)], width, config.activation)))
                    index += 1
                }
                guard level < config.decoderWidths.count - 1 else { break }
                // The enlargement is numbered as a layer of its own; the convolution after it reads enlarged.
                let enlarging = try Convolution(layers[String(index + 1)], width, width, upsample: 2, bias: false)
                stages.append(.convolution(enlarging, .identity, scale: 2))
                index += 2
            }
            output = try Convolution(layers[String(index)], config.decoderWidths.last ?? 0, config.channels)
            self.stages = stages
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            var x = x
            for stage in stages {
                switch stage {
                case .convolution(let convolution, let activation, _): x = convolution(x, Epilogue(activation))
                case .block(let block): x = block(x)
                }
            }
            return output(x, as: .f32)
        }

        /// `lines` of x at a time, each with what its result depends on. There are no norms, so nothing changes.
        func banded(_ x: Tensor, _ lines: Int) -> Tensor {
            // In lines of x; a stage reads its neighbours on the finer of the lines before and after it.
            var (reach, scale) = (0.0, 1.0)
            for stage in stages {
                switch stage {
                case .block: reach += 3 / scale
                case .convolution(_, _, let factor):
                    reach += 1 / max(scale, scale * factor)
                    scale *= factor
                }
            }
            reach += 1 / scale
            // Lines that become one stay together.
            let unit = max(1, Int(1 / scale))
            func whole(_ lines: Int) -> Int { (lines + unit - 1) / unit * unit }
            let bands = Bands(height: x.shape[1], lines: whole(max(1, lines)), reach: whole(Int(reach.rounded(.up))))
            return .underEachOther(
                bands.map { band in
                    func line(_ line: Int) -> Int { Int(Double(line - band.read.lowerBound) * scale) }
                    return self(x.lines(band.read)).lines(line(band.kept.lowerBound)..<line(band.kept.upperBound))
                })
        }
    }

    /// Three convolutions beside an identity, then ReLU.
    struct Block: Sendable {
        let first, second, third: Convolution
        let activation: Activation

        init(_ weights: Weights, _ width: Int, _ activation: Activation) throws(WeightError) {
            first = try Convolution(weights["conv", "0"], width, width)
            second = try Convolution(weights["conv", "2"], width, width)
            third = try Convolution(weights["conv", "4"], width, width)
            self.activation = activation
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            let hidden = second(first(x, Epilogue(activation)), Epilogue(activation))
            return third(hidden, Epilogue(residual: x)).applying(.relu)
        }
    }

    /// `config.json` of an `AutoencoderTiny`.
    package struct Configuration: Sendable {
        /// Channels of the picture and of the latents.
        package let channels, latents: Int
        let encoderWidths, decoderWidths, encoderBlocks, decoderBlocks: [Int]
        let activation: Activation
        let scale: Float
        package var shift: Float

        /// Pixels of one latent along each side.
        package var factor: Int { 1 << (decoderWidths.count - 1) }

        package init(_ json: ConfigObject) throws(ConfigError) {
            channels = try json.int("in_channels", default: 3, in: 3...3)
            latents = try json.int("latent_channels", default: 4, in: 1...65536)
            encoderBlocks = try json.optionalInts("num_encoder_blocks", in: 0...1024) ?? [1, 3, 3, 3]
            decoderBlocks = try json.optionalInts("num_decoder_blocks", in: 0...1024) ?? [3, 3, 3, 1]
            encoderWidths = try json.optionalInts("encoder_block_out_channels", in: 1...65536) ?? [64, 64, 64, 64]
            decoderWidths = try json.optionalInts("decoder_block_out_channels", in: 1...65536) ?? [64, 64, 64, 64]
            activation = try json.activation("act_fn", default: .relu)
            scale = try json.positive("scaling_factor", default: 1)
            shift = try json.float("shift_factor", default: 0)
            try json.require("upsample_fn", oneOf: "nearest")
            _ = try json.int("upsampling_scaling_factor", default: 2, in: 2...2)
            _ = try json.int("out_channels", default: channels, in: channels...channels)
            try json.requireLevels("num_encoder_blocks", encoderBlocks, "encoder_block_out_channels", encoderWidths)
            try json.requireLevels("num_decoder_blocks", decoderBlocks, "decoder_block_out_channels", decoderWidths)
            try json.requireLevels("num_encoder_blocks", encoderBlocks, "num_decoder_blocks", decoderBlocks)
        }
    }
}

extension Tensor {
    /// Every element plus `offset`.
    func shifted(by offset: Float) -> Tensor {
        offset == 0 ? self : self + Tensor([Float](repeating: offset, count: width), [width])
    }
}
