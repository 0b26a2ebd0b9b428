// Pictures that are too large for the memory, coded in bands: where an autoencoder works on many pixels, it works on some
// lines of them at a time, level by level. The levels of few pixels, and the attention between all of them, see the whole.
//
// Every convolution reads the lines that it needs, and every norm is given the moments of the whole, so the result is that of
// the whole but for rounding. It takes longer: a level passes over its bands once for each of its norms.

import Layers
import Tensor

/// Layers that go through a picture in bands.
private struct BandedLayers {
    /// Lines of the result for as many of the input.
    let scale: (lines: Int, of: Int)
    let bands: Bands
    /// A band through the layers; nil where a norm was measured.
    let run: (Tensor, BandNorms) -> Tensor?

    /// `pixels`: the lines of a band at the finer of the scales before and after; `reach`: lines there on which a line of the
    /// result depends.
    init(
        height: Int, pixels: Int, reach: Int, scale: (lines: Int, of: Int),
        run: @escaping (Tensor, BandNorms) -> Tensor?
    ) {
        self.scale = scale
        self.run = run
        // Lines that become one stay together.
        func whole(_ lines: Int) -> Int { (lines / scale.lines + scale.of - 1) / scale.of * scale.of }
        bands = Bands(height: height, lines: max(scale.of, whole(pixels)), reach: whole(reach + scale.lines - 1))
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let norms = BandNorms()
        while true {
            let parts: [Tensor] = bands.compactMap { band in
                norms.begin(band)
                let first = (band.kept.lowerBound - band.read.lowerBound) * scale.lines / scale.of
                return run(x.lines(band.read), norms)?.lines(first..<first + band.kept.count * scale.lines / scale.of)
            }
            norms.finishPass()
            if !parts.isEmpty { return .underEachOther(parts) }
        }
    }
}

extension ResnetBlock {
    /// A band through the block; nil where a norm was measured. For blocks without a time embedding.
    fileprivate func callAsFunction(_ x: Tensor, _ norms: BandNorms) -> Tensor? {
        guard case .plain(let secondNorm) = secondNorm, let normal = firstNorm(x, style.activation, norms) else {
            return nil
        }
        guard let hidden = secondNorm(first(normal, Epilogue()), style.activation, norms) else { return nil }
        return second(hidden, Epilogue(residual: shortcut?(x, as: x.type) ?? x), as: x.type)
    }
}

extension AutoencoderKL.Level {
    fileprivate func resnets(_ x: Tensor, _ norms: BandNorms) -> Tensor? {
        resnets.reduce(x) { x, resnet in x.flatMap { resnet($0, norms) } }
    }
}

extension AutoencoderKL.Decoder {
    /// `pixels`: lines of a band.
    func banded(_ latents: Tensor, _ pixels: Int) -> Tensor {
        var x = mid(input(mix?(latents) ?? latents))
        let firstBanded = max(0, levels.count - 2)
        // A level enlarges what it makes; in bands that is the next one's beginning, so that what lies between is small.
        var enlarging: Convolution?
        for (index, level) in levels.enumerated() {
            if index < firstBanded {
                if let convolution = enlarging { x = convolution(x) }
                for resnet in level.resnets { x = resnet(x) }
            } else {
                let isLast = index == levels.count - 1
                let begin = enlarging
                let layers = BandedLayers(
                    height: x.shape[1], pixels: max(1, pixels >> (levels.count - 1 - index)),
                    reach: 2 * level.resnets.count + 2, scale: (begin == nil ? 1 : 2, 1)
                ) { band, norms in
                    let x = level.resnets(begin?(band) ?? band, norms)
                    return isLast ? x.flatMap { norm($0, .silu, norms) }.map { output($0, as: .f32) } : x
                }
                x = layers(x)
            }
            enlarging = level.resize
            // The next level's tensors are of other sizes.
            Arena.trim()
        }
        return x
    }
}

extension AutoencoderKL.Encoder {
    /// `lines`: of a band of pixels.
    func banded(_ pixels: Tensor, _ lines: Int) -> (mean: Tensor, deviation: Tensor) {
        var x = pixels
        for (index, level) in levels.enumerated() {
            if index < levels.count - 2, let shrinking = level.resize {
                let layers = BandedLayers(
                    height: x.shape[1], pixels: max(1, lines >> index), reach: 2 * level.resnets.count + 3,
                    scale: (1, 2)
                ) { band, norms in
                    level.resnets(index == 0 ? input(band) : band, norms).map { shrinking($0) }
                }
                x = layers(x)
            } else {
                if index == 0 { x = input(x) }
                level(&x)
            }
            Arena.trim()
        }
        return moments(x)
    }
}
