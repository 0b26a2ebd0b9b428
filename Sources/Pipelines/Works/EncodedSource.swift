// Latents that a drawing begins from, and what the network is shown beside them.
//
// Reference   diffusers `StableDiffusionImg2ImgPipeline`, `StableDiffusionInpaintPipeline`,
//             `StableDiffusionInstructPix2PixPipeline` and their XL forms, their random draws in their order

import Images
import Kinds
import Schedulers
import Tensor

/// What is the same for every picture of a job.
struct EncodedSource: Sendable {
    /// How a picture goes on from here.
    enum Form: Sendable, Hashable {
        /// The source's latents with noise; under a mask the loop blends it back.
        case blended
        /// The same for networks that are shown the mask.
        case masked
        /// Noise, with the source shown beside it; `scaled`: its latents as the denoiser's own are.
        case instructed(scaled: Bool)
    }

    private let form: Form
    private let picture: EncodedPicture
    /// 1 where the picture is repainted, [1, H, W, 1].
    private let mask: Tensor?
    /// The picture without what the mask hides.
    private let visible: EncodedPicture?
    private let hidesContent: Bool

    init(
        _ canvas: SourceCanvas, _ form: Form, _ codec: any LatentCodec, band: Int?, _ lender: some PartLender
    ) throws {
        self.form = form
        func pixels(_ values: [Float]) -> Tensor { Tensor(values, [1, canvas.canvas.height, canvas.canvas.width, 3]) }
        let values = canvas.canvas.floats(.signed)
        picture = try codec.encode(pixels(values), band: band, lender)
        hidesContent = canvas.hidesContent
        guard let samples = canvas.canvasMask?.samples else {
            (mask, visible) = (nil, nil)
            return
        }
        let (width, factor) = (canvas.canvas.width, codec.factor)
        let (rows, columns) = (canvas.canvas.height / factor, width / factor)
        // As the reference has it: half and above is white, and a latent goes by the first of its pixels.
        let latent = (0..<rows * columns).map { at -> Float in
            samples[at / columns * factor * width + at % columns * factor] >= 128 ? 1 : 0
        }
        mask = Tensor(latent, [1, rows, columns, 1])
        guard form == .masked else {
            visible = nil
            return
        }
        visible = try codec.encode(
            pixels(values.indices.map { samples[$0 / 3] >= 128 ? 0 : values[$0] }), band: band, lender)
    }

    /// The latents that a picture starts from, and how it goes on; takes from `noise` what the reference takes.
    func begin(_ plan: TextToImage.Plan, _ noise: inout LatentNoise) -> Beginning {
        let level = plan.sampling.steps[0].level
        func pure(_ drawn: Tensor) -> Tensor { drawn.scaled(by: plan.sampling.initialNoise) }
        if case .instructed(let scaled) = form {
            let shown = scaled ? picture.scaled(picture.mean) : picture.mean
            return Beginning(latents: pure(noise.draw()), shown: shown, kept: nil)
        }
        let isWhole = mask != nil && (plan.strength ?? 1) >= 1
        // Networks that see the mask need the source's latents only where the drawing starts from them.
        let needsSource = form == .blended || !isWhole
        let source = needsSource ? picture.sample { noise.draw() } : nil
        let drawn = noise.draw()
        var latents = pure(drawn)
        if let source, !isWhole {
            latents = Self.mixed(source, level.signal, drawn, level.noise)
            if hidesContent, let mask { latents = Self.blended(drawn.scaled(by: level.noise), latents, mask) }
        }
        guard let mask else { return Beginning(latents: latents, shown: nil, kept: nil) }
        guard form == .masked, let visible else {
            // The reference encodes the visible part all the same, and draws for it.
            if picture.deviation != nil { _ = noise.draw() }
            return Beginning(
                latents: latents, shown: nil, kept: source.map { Kept(source: $0, noise: drawn, mask: mask) })
        }
        let shown = mask.joined(with: visible.sample { noise.draw() })
        return Beginning(latents: latents, shown: shown, kept: nil)
    }

    /// One picture's own.
    struct Beginning: Sendable {
        var latents: Tensor
        /// What the network is shown beside the latents.
        var shown: Tensor?
        /// What stands outside the mask.
        var kept: Kept?
    }

    /// The source, laid back outside the mask after every row.
    struct Kept: Sendable {
        let source, noise, mask: Tensor

        /// The latents after a row, where `next` is the level of the following one, nil after the last.
        func blend(_ latents: Tensor, next: NoiseLevel?) -> Tensor {
            let outside = next.map { EncodedSource.mixed(source, $0.signal, noise, $0.noise) } ?? source
            return EncodedSource.blended(latents, outside, mask)
        }
    }

    private static func mixed(_ one: Tensor, _ a: Float, _ other: Tensor, _ b: Float) -> Tensor {
        one.blended(a, with: other, b, as: .f32)
    }

    /// `one` where the mask is 1, `other` where it is 0.
    private static func blended(_ one: Tensor, _ other: Tensor, _ mask: Tensor) -> Tensor {
        let (inside, outside, weights, channels) = (one.floats, other.floats, mask.floats, one.width)
        return Tensor(
            inside.indices.map {
                let weight = weights[$0 / channels]
                return (1 - weight) * outside[$0] + weight * inside[$0]
            }, one.shape)
    }
}
