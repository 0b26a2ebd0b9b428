package import API
package import Vocabulary

/// A picture from a prompt, and from another picture where one is given. Everything but the prompt is optional; what is
/// left out comes from the model.
package struct Generate: DrawingParameters {
    package var prompt = ""
    package var model: String?
    package var image: Blob?
    /// Part of the steps that run on the picture, above 0 to 1; one step at least.
    package var strength: Double?
    /// White is repainted; where it has transparency, what is opaque.
    package var mask: Blob?
    /// Black is repainted instead, or what is transparent.
    package var invertMask: Bool?
    package var maskBlur: Int?
    package var maskedContent: MaskedContent?
    package var maskedOnly: Bool?
    package var maskPadding: Int?
    package var unmasked: UnmaskedPixels?
    /// Pixels by which the picture is extended at its sides.
    package var extendLeft, extendTop, extendRight, extendBottom: Int?
    package var fit: SizeFit?
    package var negativePrompt: String?
    package var clipSkip: Int?
    package var width: Int?
    package var height: Int?
    package var steps: Int?
    package var guidance: Double?
    package var sampler: String?
    package var schedule: String?
    package var shift: Double?
    package var prediction: Prediction?
    package var spacing: TimestepSpacing?
    package var zeroSNR: Bool?
    package var guidanceRescale: Double?
    package var vae: String?
    package var seed: UInt64?
    package var count = 1
    package var precision: Precision?
    package var rng = RandomSource.torch
    package var format = ImageFormat.png
    package var quality = 95
    package var metadata = MetadataLevel.full
    package var onTruncate = TruncationPolicy.warn
    package var promptSyntax: PromptSyntax?
    package var band: Int?
    package var previews: Int?

    package typealias Result = DrawingResult<Generate>

    package init() {}

    package init(prompt: String) {
        self.prompt = prompt
    }

    package static let kind = JobKind("generate")
    package static let summary = "Makes pictures from a prompt, alone or beginning from a picture."
    package static let table: [Parameter<Generate>] =
        [
            .text("prompt", \.prompt, bytes: 32_768, "What the picture shows."),
            .text("model", \.model, bytes: 256, "Name of the model; the daemon's default when left out."),
            .blob("image", \.image, "A picture to begin from, by the SHA-256 under which it was uploaded."),
            .choice(
                "fit", \.fit,
                "How a picture of other proportions comes to the width and height that are asked for: stretched, which is what "
                    + "leaving it out means, cropped at two sides, or padded with its outermost pixels."),
            .number(
                "strength", \.strength, 0.001...1,
                "How much of the picture is drawn anew: the part of the steps that run, one at least. 0.75 when left "
                    + "out; 1 with a mask or with sides to extend."),
            .blob(
                "mask", \.mask,
                "Where the picture is repainted, as a picture of its size: where it is white, or, if any of it is "
                    + "transparent, where it is opaque."),
            .flag("invert_mask", \.invertMask, "Repaints where the mask is black, or transparent, instead."),
            .integer(
                "mask_blur", \.maskBlur, 0...256,
                "Deviation in pixels of the blur that softens the mask's edge; 0 when left out."
            ),
            .choice(
                "masked_content", \.maskedContent,
                "What stands under the mask before it is repainted; `original` when left out, `fill` where the picture "
                    + "is extended."),
            .flag("masked_only", \.maskedOnly, "Draws only the part around the mask, at the model's own size."),
            .integer(
                "mask_padding", \.maskPadding, 0...1024,
                "Pixels around the mask that `masked_only` draws with it; 32 when left out."),
            .choice(
                "unmasked", \.unmasked,
                "Whose pixels stand outside the mask: the picture's own (`input`, when left out) or the model's."),
            .integer("extend_left", \.extendLeft, 0...2048, "Pixels by which the picture is extended to the left."),
            .integer("extend_top", \.extendTop, 0...2048, "Pixels by which the picture is extended upwards."),
            .integer("extend_right", \.extendRight, 0...2048, "Pixels by which the picture is extended to the right."),
            .integer("extend_bottom", \.extendBottom, 0...2048, "Pixels by which the picture is extended downwards."),
        ] + drawingRows

    package func check() throws(RequestError) {
        try checkSeed()
        let sides = [
            ("extend_left", extendLeft), ("extend_top", extendTop), ("extend_right", extendRight),
            ("extend_bottom", extendBottom),
        ]
        let masks: [(name: String, isGiven: Bool)] = [
            ("mask_blur", maskBlur != nil), ("invert_mask", invertMask == true),
            ("masked_content", maskedContent != nil), ("unmasked", unmasked != nil),
            ("masked_only", maskedOnly == true), ("mask_padding", maskPadding != nil),
        ]
        if image == nil {
            let orphans =
                [("strength", strength != nil), ("mask", mask != nil), ("fit", fit != nil)]
                + sides.map { ($0.0, $0.1 != nil) } + masks
            if let orphan = orphans.first(where: \.1) { throw .alone(param: orphan.0, needs: "image") }
        }
        if mask == nil {
            // A side that grows is repainted as a mask is.
            let needy =
                margins.isEmpty
                ? masks : masks.filter { ["masked_only", "mask_padding", "invert_mask"].contains($0.name) }
            if let orphan = needy.first(where: \.isGiven) { throw .alone(param: orphan.name, needs: "mask") }
        }
        if maskPadding != nil && maskedOnly != true { throw .alone(param: "mask_padding", needs: "masked_only") }
        if maskedOnly == true, let side = sides.first(where: { ($0.1 ?? 0) > 0 }) {
            throw .contradiction(param: "masked_only", other: side.0)
        }
    }

    package var margins: Margins {
        Margins(left: extendLeft ?? 0, top: extendTop ?? 0, right: extendRight ?? 0, bottom: extendBottom ?? 0)
    }

    package var source: DrawingSource? {
        guard let image else { return nil }
        var source = DrawingSource(image: image, use: .start(strength: strength), extend: margins, fit: fit ?? .stretch)
        if mask != nil || !margins.isEmpty {
            source.mask = .init(
                image: mask, isInverted: invertMask == true, blur: maskBlur ?? 0,
                content: maskedContent ?? (margins.isEmpty ? .original : .fill),
                padding: maskedOnly == true ? maskPadding ?? 32 : nil, unmasked: unmasked ?? .input)
        }
        return source
    }

    package mutating func fill(_ choices: DrawingChoices) {
        fillCommon(choices)
        strength = choices.strength
    }
}
