// How a source picture comes to the size that a model draws, and the drawing back into the picture.

import Images
import Kinds
import Vocabulary

/// Sizes of one drawing from a picture.
package struct Framing: Sendable, Equatable {
    /// What the canvas shows.
    enum Fit: Sendable, Equatable {
        /// The picture, its right and lower sides filled up with a mirror image to multiples of the model's unit.
        case padded
        /// The picture at another size, brought back afterwards.
        case scaled
        /// The part around the mask, at another size, laid into the picture afterwards.
        case part(padding: Int)
    }

    /// The upright source, without margins; and the result's size.
    let source, result: PixelSize
    /// Where the source stands in the result.
    let margins: Margins
    /// What the model draws.
    package let canvas: PixelSize
    let fit: Fit
    /// How the source comes to its size.
    let sizeFit: SizeFit

    /// `wanted` are the sizes that the request names; `unit` is the model's, `own` its own size, which it `keeps` where it
    /// was trained at that alone.
    init(
        _ source: DrawingSource, size: PixelSize, wanted: (width: Int?, height: Int?), unit: Int, own: PixelSize,
        keepsOwn: Bool
    ) throws(PipelineError) {
        margins = source.extend
        sizeFit = source.fit
        func rounded(_ size: Double) -> Int { max(1, Int(size.rounded())) }
        if let padding = source.mask?.padding {
            self.source = size
            result = size
            fit = .part(padding: padding)
            canvas = PixelSize(
                width: Self.raised(wanted.width ?? own.width, unit),
                height: Self.raised(wanted.height ?? own.height, unit))
        } else {
            // One side that is given says the other.
            let ratio =
                wanted.width.map { Double($0) / Double(size.width) }
                ?? wanted.height.map { Double($0) / Double(size.height) } ?? 1
            self.source = PixelSize(
                width: wanted.width ?? rounded(Double(size.width) * ratio),
                height: wanted.height ?? rounded(Double(size.height) * ratio))
            let whole = PixelSize(
                width: self.source.width + margins.left + margins.right,
                height: self.source.height + margins.top + margins.bottom)
            result = whole
            let isFree = wanted.width == nil && wanted.height == nil
            if keepsOwn && isFree && whole.width * whole.height != own.width * own.height {
                let scale = (Double(own.width * own.height) / Double(whole.width * whole.height)).squareRoot()
                func fitted(_ side: Int) -> Int { max(unit, rounded(Double(side) * scale / Double(unit)) * unit) }
                canvas = PixelSize(width: fitted(whole.width), height: fitted(whole.height))
                fit = canvas == whole ? .padded : .scaled
            } else {
                canvas = PixelSize(width: Self.raised(whole.width, unit), height: Self.raised(whole.height, unit))
                fit = .padded
            }
        }
        let side = max(result.width, result.height, canvas.width, canvas.height)
        guard side <= Self.longest else {
            throw .request(
                parameter: "image",
                fact: "the result would be \(result) pixels, more than \(Self.longest) along a side",
                remedy: "ask for a smaller one with width and height")
        }
    }

    private static let longest = 8192

    private static func raised(_ side: Int, _ unit: Int) -> Int { (side + unit - 1) / unit * unit }

    /// What was done, where the canvas is not the result; nil where it is.
    var note: String? {
        switch fit {
        case .padded where canvas == result: nil
        case .padded: "\(result) drawn as \(canvas), filled up by mirroring and cut again"
        case .scaled: "\(result) drawn as \(canvas) and scaled"
        case .part: "the part around the mask drawn as \(canvas) and scaled"
        }
    }

    /// Bytes of the pictures that stand beside the model's: source, result and canvas, with masks and what makes them.
    var pictureBytes: Int {
        func pixels(_ size: PixelSize) -> Int { size.width * size.height }
        return 16 * pixels(result) + 24 * pixels(canvas) + (margins.isEmpty ? 0 : 32 * pixels(result))
    }

    /// A picture or a mask at the source's size.
    func sized(_ image: Image) throws(ImageError) -> Image {
        let (width, height) = (source.width, source.height)
        let (wide, high) = (width * image.height, height * image.width)
        switch sizeFit {
        case .crop where wide != high:
            // Cut first: what is cut off may be very much.
            let kept = PixelSize(
                width: wide < high ? max(1, wide / height) : image.width,
                height: wide < high ? image.height : max(1, high / width))
            return try image.cropped(
                x: (image.width - kept.width) / 2, y: (image.height - kept.height) / 2, width: kept.width,
                height: kept.height
            ).resized(width: width, height: height)
        case .pad where wide != high:
            let shown = PixelSize(
                width: wide < high ? width : max(1, high / image.height),
                height: wide < high ? max(1, wide / image.width) : height)
            return try image.resized(width: shown.width, height: shown.height).extended(
                width: width, height: height, x: (width - shown.width) / 2, y: (height - shown.height) / 2)
        case .stretch, .crop, .pad: return try image.resized(width: width, height: height)
        }
    }

    /// The source in its place in the result, at the result's size.
    func placed(_ image: Image) throws(ImageError) -> Image {
        try sized(image.rgb())
            .extended(width: result.width, height: result.height, x: margins.left, y: margins.top)
    }

    /// The part of the result that the canvas shows.
    func region(_ mask: Image?) -> (x: Int, y: Int, width: Int, height: Int) {
        guard case .part(let padding) = fit, let bounds = mask?.bounds else {
            return (0, 0, result.width, result.height)
        }
        // The mask's rectangle with its padding, and then wider or higher to the canvas's proportions, as far as the picture goes.
        func padded(_ range: Range<Int>, _ limit: Int) -> Range<Int> {
            max(0, range.lowerBound - padding)..<min(limit, range.upperBound + padding)
        }
        func widened(_ range: Range<Int>, to length: Int, _ limit: Int) -> Range<Int> {
            let length = min(max(length, range.count), limit)
            let lower = min(max(0, range.lowerBound - (length - range.count) / 2), limit - length)
            return lower..<lower + length
        }
        var (x, y) = (padded(bounds.x, result.width), padded(bounds.y, result.height))
        if x.count * canvas.height < y.count * canvas.width {
            x = widened(x, to: y.count * canvas.width / canvas.height, result.width)
        } else {
            y = widened(y, to: x.count * canvas.height / canvas.width, result.height)
        }
        return (x.lowerBound, y.lowerBound, x.count, y.count)
    }

    /// What the model sees of a picture of the result's size.
    func canvas(_ image: Image, _ region: (x: Int, y: Int, width: Int, height: Int)) throws(ImageError) -> Image {
        switch fit {
        case .padded: image.mirrored(toWidth: canvas.width, height: canvas.height)
        case .scaled, .part:
            try image.cropped(x: region.x, y: region.y, width: region.width, height: region.height)
                .resized(width: canvas.width, height: canvas.height)
        }
    }

    /// The drawing at the result's size; `under` shows where the canvas is only a part.
    func restored(
        _ drawn: Image, _ region: (x: Int, y: Int, width: Int, height: Int), under: Image
    ) throws(ImageError) -> Image {
        switch fit {
        case .padded: drawn.cropped(x: 0, y: 0, width: result.width, height: result.height)
        case .scaled: try drawn.resized(width: result.width, height: result.height)
        case .part:
            under.pasting(
                try drawn.resized(width: region.width, height: region.height), x: region.x, y: region.y)
        }
    }
}
