package import API
package import Vocabulary

/// A picture changed as an instruction says, by a model that was trained for it.
package struct Edit: DrawingParameters {
    package var prompt = ""
    package var image = Blob(sha256: "")
    package var model: String?
    /// Scale of the guidance by the picture: how much the result keeps of it.
    package var imageGuidance: Double?
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

    package typealias Result = DrawingResult<Edit>

    package init() {}

    package init(prompt: String, image: Blob) {
        self.prompt = prompt
        self.image = image
    }

    package static let kind = JobKind("edit")
    package static let summary = "Changes a picture as an instruction says."
    package static let table: [Parameter<Edit>] =
        [
            .text("prompt", \.prompt, bytes: 32_768, "What to change, such as \"make the background blue\"."),
            .blob("image", \.image, "The picture, by the SHA-256 under which it was uploaded."),
            .text("model", \.model, bytes: 256, "Name of a model that edits; the daemon's default when left out."),
            .choice(
                "fit", \.fit,
                "How a picture of other proportions comes to the width and height that are asked for: stretched, which is what "
                    + "leaving it out means, cropped at two sides, or padded with its outermost pixels."),
            .number(
                "image_guidance", \.imageGuidance, 0...100,
                "Scale of the guidance by the picture: more keeps more of it. The model's own when left out."),
        ] + drawingRows

    package func check() throws(RequestError) { try checkSeed() }

    package var source: DrawingSource? {
        DrawingSource(image: image, use: .instruction(imageGuidance: imageGuidance), fit: fit ?? .stretch)
    }

    package mutating func fill(_ choices: DrawingChoices) {
        fillCommon(choices)
        imageGuidance = choices.imageGuidance
    }
}
