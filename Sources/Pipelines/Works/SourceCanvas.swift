// The pictures of a drawing that begins from a picture: what the model is shown, and what it is laid into.

import Images
import Kinds
import Vocabulary

/// A source and its mask, at the sizes that its framing says.
struct SourceCanvas: Sendable {
    let framing: Framing
    private let region: (x: Int, y: Int, width: Int, height: Int)
    /// The source in its place, and the softened mask; both at the result's size.
    private let picture: Image
    private let mask: Image?
    private let unmasked: UnmaskedPixels
    /// What the model is shown, and the mask over it.
    let canvas: Image
    let canvasMask: Image?
    /// Noise stands under the mask.
    let hidesContent: Bool

    /// Pixels of the old picture over which a new margin fades in.
    private static let overlap = 32

    init(_ source: DrawingSource, _ framing: Framing, _ inputs: [Blob: String]) throws {
        self.framing = framing
        let input = InputPicture("image", source.image, inputs)
        let image = try input.image()
        picture = try framing.placed(image)
        guard let wanted = source.mask else {
            (mask, canvasMask, unmasked, hidesContent) = (nil, nil, .model, false)
            region = framing.region(nil)
            canvas = try framing.canvas(picture, region)
            return
        }
        var sharp = Image(width: framing.source.width, height: framing.source.height, color: [0])
        if let blob = wanted.image {
            let read = try InputPicture("mask", blob, inputs).image()
            guard read.width == image.width, read.height == image.height else {
                throw PipelineError.request(
                    parameter: "mask",
                    fact: "it has \(read.width)x\(read.height) pixels and the picture \(image.width)x\(image.height)",
                    remedy: "send a mask of the picture's size")
            }
            sharp = try framing.sized(Self.mask(read, isInverted: wanted.isInverted))
        }
        sharp = Self.extended(sharp, framing).blurred(deviation: Double(wanted.blur))
        guard sharp.samples.contains(where: { $0 >= 128 }) else {
            throw PipelineError.request(
                parameter: "mask", fact: "none of it is white, so that nothing would be repainted",
                remedy: "paint white what is to be drawn anew")
        }
        mask = sharp
        unmasked = wanted.unmasked
        hidesContent = wanted.content == .noise
        region = framing.region(sharp)
        canvas = try framing.canvas(wanted.content == .fill ? picture.filled(under: sharp) : picture, region)
        canvasMask = try framing.canvas(sharp, region)
    }

    /// A mask as its file means it: where any of it is transparent the opaque is white, else its brightness counts.
    private static func mask(_ image: Image, isInverted: Bool) -> Image {
        let isClear = image.alpha?.samples.contains { $0 < 255 } == true
        let mask = isClear ? image.alpha ?? image.grey() : image.grey()
        guard isInverted else { return mask }
        return Image(width: mask.width, height: mask.height, channels: 1, samples: mask.samples.map { 255 - $0 })
    }

    /// The mask with margins white, fading out over the edge of the old picture.
    private static func extended(_ mask: Image, _ framing: Framing) -> Image {
        let (margins, size) = (framing.margins, framing.result)
        guard !margins.isEmpty else { return mask }
        var samples = Image(width: size.width, height: size.height, color: [255])
            .pasting(mask, x: margins.left, y: margins.top).samples
        let right = margins.left + mask.width - 1
        let bottom = margins.top + mask.height - 1
        let reach = max(1, min(overlap, min(mask.width, mask.height) / 4))
        for line in margins.top...bottom {
            for column in margins.left...right {
                // Pixels to the nearest edge at which the picture grows.
                var distance = Int.max
                if margins.left > 0 { distance = min(distance, column - margins.left) }
                if margins.right > 0 { distance = min(distance, right - column) }
                if margins.top > 0 { distance = min(distance, line - margins.top) }
                if margins.bottom > 0 { distance = min(distance, bottom - line) }
                guard distance < reach else { continue }
                let at = line * size.width + column
                samples[at] = max(samples[at], UInt8(255 * (reach - distance) / (reach + 1)))
            }
        }
        return Image(width: size.width, height: size.height, channels: 1, samples: samples)
    }

    /// The picture that a drawing of the canvas makes.
    func finished(_ drawn: Image) throws(ImageError) -> Image {
        let restored = try framing.restored(drawn, region, under: picture)
        guard let mask, unmasked == .input else { return restored }
        return restored.blended(over: picture, mask: mask)
    }
}
