import API
package import Vocabulary

/// Parameters of the kinds that draw with a diffusion model: from a prompt alone, from a picture, or by an instruction.
package protocol DrawingParameters: JobParameters where Result == DrawingResult<Self> {
    var prompt: String { get set }
    var model: String? { get set }
    var negativePrompt: String? { get set }
    /// Last layers of CLIP's text encoder that the prompt does without.
    var clipSkip: Int? { get set }
    /// Pixels. Which multiples a model can draw is the model's knowledge, not this type's.
    var width: Int? { get set }
    var height: Int? { get set }
    var steps: Int? { get set }
    /// Classifier-free guidance scale; 1 turns guidance off.
    var guidance: Double? { get set }
    var sampler: String? { get set }
    var schedule: String? { get set }
    /// Shift of the noise schedule of flow models.
    var shift: Double? { get set }
    /// What the network predicts, where the checkpoint does not say so or errs.
    var prediction: Prediction? { get set }
    /// Spacing of the timesteps, in place of the checkpoint's.
    var spacing: TimestepSpacing? { get set }
    /// Whether the noise schedule is rescaled to end without signal, in place of what the checkpoint says.
    var zeroSNR: Bool? { get set }
    /// Part to which guidance keeps the deviation of the prompt's own prediction.
    var guidanceRescale: Double? { get set }
    /// Model whose autoencoder takes the place of the model's own.
    var vae: String? { get set }
    /// Seed of the first image; image i uses `seed + i`.
    var seed: UInt64? { get set }
    /// Number of images.
    var count: Int { get set }
    var precision: Precision? { get set }
    var rng: RandomSource { get set }
    var format: ImageFormat { get set }
    /// JPEG or WebP quality, 1 to 100.
    var quality: Int { get set }
    var metadata: MetadataLevel { get set }
    var onTruncate: TruncationPolicy { get set }
    /// How the prompts are read; nil: plainly.
    var promptSyntax: PromptSyntax? { get set }
    /// Pixel lines that the autoencoder works on at a time; nil: all, or what fits the memory.
    var band: Int? { get set }
    /// Pictures that are shown of each picture on the way; nil: none.
    var previews: Int? { get set }

    /// The picture that the drawing begins from; nil: noise alone.
    var source: DrawingSource? { get }
    /// Fills in what only shows once the model and the pictures are known.
    mutating func fill(_ choices: DrawingChoices)
}

/// What a drawing begins from besides its text.
package struct DrawingSource: Sendable, Equatable {
    package enum Use: Sendable, Equatable {
        /// Its latents with noise are where the drawing starts; `strength` is the part of the steps that run.
        case start(strength: Double?)
        /// The model is shown it beside the latents and told what to change.
        case instruction(imageGuidance: Double?)
    }

    package var image: Blob
    package var use: Use
    package var mask: Mask?
    package var extend = Margins()
    package var fit = SizeFit.stretch

    /// Where the picture is repainted: where `image` is white. Without it the new margins alone are.
    package struct Mask: Sendable, Equatable {
        package var image: Blob?
        /// Black and transparent are repainted instead of white and opaque.
        package var isInverted: Bool
        /// Pixels that the edge of the mask is softened over.
        package var blur: Int
        package var content: MaskedContent
        /// Pixels around the mask that are drawn with it, at the model's own size; nil: the whole picture is drawn.
        package var padding: Int?
        package var unmasked: UnmaskedPixels
    }
}

/// Pixels at the four sides.
package struct Margins: Sendable, Equatable {
    package var left = 0, top = 0, right = 0, bottom = 0

    package init(left: Int = 0, top: Int = 0, right: Int = 0, bottom: Int = 0) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    package var isEmpty: Bool { self == Margins() }
}

/// The choices that were made for a request.
package struct DrawingChoices: Sendable, Equatable {
    package var model: String
    /// nil: what the source's own size makes of it.
    package var width, height: Int?
    package var steps: Int
    package var guidance: Double
    package var sampler: String
    package var schedule: String?
    package var precision: Precision
    package var strength: Double?
    package var imageGuidance: Double?
    package var band: Int?

    package init(
        model: String, width: Int?, height: Int?, steps: Int, guidance: Double, sampler: String, schedule: String?,
        precision: Precision, strength: Double? = nil, imageGuidance: Double? = nil,
        band: Int? = nil
    ) {
        self.model = model
        self.width = width
        self.height = height
        self.steps = steps
        self.guidance = guidance
        self.sampler = sampler
        self.schedule = schedule
        self.precision = precision
        self.strength = strength
        self.imageGuidance = imageGuidance
        self.band = band
    }
}

extension DrawingParameters {
    /// Rows of what all these kinds have in common, after those that say what is drawn.
    static var drawingRows: [Parameter<Self>] {
        [
            .text(
                "negative_prompt", \.negativePrompt, bytes: 32_768, "What is kept out of the picture; needs guidance."),
            .integer(
                "clip_skip", \.clipSkip, 1...31,
                "Last layers of CLIP's text encoder that the prompt does without, as diffusers counts; none when left out."
            ),
            .integer("width", \.width, 1...4096, "Width in pixels; the source's or the model's own when left out."),
            .integer("height", \.height, 1...4096, "Height in pixels; the source's or the model's own when left out."),
            .integer("steps", \.steps, 1...1000, "Denoising steps; the model's own number when left out."),
            .number("guidance", \.guidance, 0...100, "Scale of the guidance by the prompt; 1 turns it off."),
            .text("sampler", \.sampler, bytes: 256, "Name of the sampler; the checkpoint's when left out."),
            .text("schedule", \.schedule, bytes: 256, "Name of the noise schedule; the sampler's when left out."),
            .number("shift", \.shift, 0.01...100, "Shift of the noise schedule of flow models."),
            .choice(
                "prediction", \.prediction, "What the network predicts; what the checkpoint says when left out."),
            .choice("spacing", \.spacing, "Spacing of the timesteps; the checkpoint's when left out."),
            .flag(
                "zero_snr", \.zeroSNR,
                "Whether the noise schedule is rescaled to end without signal; what the checkpoint says when left out."),
            .number(
                "guidance_rescale", \.guidanceRescale, 0...1,
                "How far guidance keeps the contrast of the unguided prediction; 0 when left out."),
            .text(
                "vae", \.vae, bytes: 256,
                "Name of an autoencoder, or of a model that has one, used in place of the model's own."),
            .seed(
                "seed", \.seed,
                "Seed of the first picture; the next ones count up. Chosen at random when left out or -1."),
            .integer("count", \.count, 1...16, "Number of pictures."),
            .choice(
                "precision", \.precision, "Arithmetic; the fastest that machine and model allow when left out."),
            .choice("rng", \.rng, "Whose random numbers the noise repeats: PyTorch's on a CPU or on a GPU."),
            .choice("format", \.format, "Format of the files."),
            .integer("quality", \.quality, 1...100, "JPEG or WebP quality; a WebP of 100 is lossless."),
            .choice("metadata", \.metadata, "How much of the recipe the files carry."),
            .choice(
                "on_truncate", \.onTruncate,
                "What becomes of a prompt that is too long: cut with a warning, or an error."),
            .choice(
                "prompt_syntax", \.promptSyntax,
                "How the prompts are read: as they stand, which is what leaving it out means, or with weights, changes and "
                    + "contexts as AUTOMATIC1111 reads them."),
            .integer(
                "band", \.band, 64...4096,
                "Pixel lines that the autoencoder works on at a time, for large pictures in little memory. When left out, "
                    + "all, or as many as fit."),
            .integer("previews", \.previews, 0...32, "Previews of each picture on the way; none when left out."),
        ]
    }

    package var title: String { String(prompt.prefix(80).map { $0.isNewline ? " " : $0 }) }
    package var inputs: [Blob] { [source?.image, source?.mask?.image].compactMap(\.self) }

    /// Refuses a seed that the pictures after the first would count past its end.
    func checkSeed() throws(RequestError) {
        guard let seed, seed.addingReportingOverflow(UInt64(count - 1)).overflow else { return }
        throw .outOfRange(
            param: "seed", value: "\(seed)", allowed: "up to \(UInt64.max - UInt64(count - 1)) for \(count) images")
    }

    package mutating func settle() {
        seed = seed ?? UInt64(UInt32.random(in: .min ... .max))
    }

    mutating func fillCommon(_ choices: DrawingChoices) {
        (model, width, height, steps) = (choices.model, choices.width, choices.height, choices.steps)
        (guidance, sampler, schedule) = (choices.guidance, choices.sampler, choices.schedule)
        (precision, band) = (choices.precision, choices.band)
    }
}

/// What a finished drawing tells beside its pictures.
package struct DrawingResult<Parameters: DrawingParameters>: Codable, Sendable, Equatable {
    package var model: String
    /// SHA-256 of the checkpoint, in hexadecimal.
    package var modelSHA256: String?
    /// Always `cpu` in this version.
    package var device: String
    /// The kernel table, such as `avx512`.
    package var kernels: String
    package var threads: Int
    package var promptTokens: Int
    /// The end of the prompt that did not fit into the context.
    package var truncatedText: String?
    /// How the source picture was brought to what the model draws, where it was changed for that.
    package var framing: String?
    /// Seconds by stage, under the names of `Stage`.
    package var seconds: [String: Double]
    package var peakMemoryBytes: Int
    /// The request with every default filled in: sent again, it draws the same picture.
    package var parameters: Parameters

    package init(
        model: String, modelSHA256: String? = nil, device: String = "cpu", kernels: String, threads: Int,
        promptTokens: Int, truncatedText: String? = nil, framing: String? = nil, seconds: [Stage: Double],
        peakMemoryBytes: Int, parameters: Parameters
    ) {
        self.model = model
        self.modelSHA256 = modelSHA256
        self.device = device
        self.kernels = kernels
        self.threads = threads
        self.promptTokens = promptTokens
        self.truncatedText = truncatedText
        self.framing = framing
        self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
        self.peakMemoryBytes = peakMemoryBytes
        self.parameters = parameters
    }

    private enum CodingKeys: String, CodingKey {
        case model, device, kernels, threads, framing, seconds, parameters
        case modelSHA256 = "model_sha256"
        case promptTokens = "prompt_tokens"
        case truncatedText = "truncated_text"
        case peakMemoryBytes = "peak_memory_bytes"
    }
}
