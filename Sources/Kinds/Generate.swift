package import API
package import Vocabulary

/// A picture from a prompt. Everything but the prompt is optional; what is left out comes from the model.
package struct Generate: JobParameters {
    package var prompt = ""
    package var model: String?
    package var negativePrompt: String?
    /// Last layers of CLIP's text encoder that the prompt does without.
    package var clipSkip: Int?
    /// Pixels. Which multiples a model can draw is the model's knowledge, not this type's.
    package var width: Int?
    package var height: Int?
    package var steps: Int?
    /// Classifier-free guidance scale; 1 turns guidance off.
    package var guidance: Double?
    package var sampler: String?
    package var schedule: String?
    /// Shift of the noise schedule of flow models.
    package var shift: Double?
    /// Seed of the first image; image i uses `seed + i`.
    package var seed: UInt64?
    /// Number of images.
    package var count = 1
    package var precision: Precision?
    package var rng = RandomSource.torch
    package var format = ImageFormat.png
    /// JPEG or WebP quality, 1 to 100.
    package var quality = 95
    package var metadata = MetadataLevel.full
    package var onTruncate = TruncationPolicy.warn

    package init() {}

    package init(prompt: String) {
        self.prompt = prompt
    }

    package static let kind = JobKind("generate")
    package static let summary = "Makes pictures from a prompt."
    package static let table: [Parameter<Generate>] = [
        .text("prompt", \.prompt, bytes: 32_768, "What the picture shows."),
        .text("model", \.model, bytes: 256, "Name of the model; the daemon's default when left out."),
        .text("negative_prompt", \.negativePrompt, bytes: 32_768, "What is kept out of the picture; needs guidance."),
        .integer(
            "clip_skip", \.clipSkip, 1...31,
            "Last layers of CLIP's text encoder that the prompt does without, as diffusers counts; none when left out."),
        .integer("width", \.width, 1...4096, "Width in pixels; the model's own when left out."),
        .integer("height", \.height, 1...4096, "Height in pixels; the model's own when left out."),
        .integer("steps", \.steps, 1...1000, "Denoising steps; the model's own number when left out."),
        .number("guidance", \.guidance, 0...100, "Scale of the guidance by the prompt; 1 turns it off."),
        .text("sampler", \.sampler, bytes: 256, "Name of the sampler; the checkpoint's when left out."),
        .text("schedule", \.schedule, bytes: 256, "Name of the noise schedule; the sampler's when left out."),
        .number("shift", \.shift, 0.01...100, "Shift of the noise schedule of flow models."),
        .seed(
            "seed", \.seed, "Seed of the first picture; the next ones count up. Chosen at random when left out or -1."),
        .integer("count", \.count, 1...16, "Number of pictures."),
        .choice("precision", \.precision, "Arithmetic; the fastest that machine and model allow when left out."),
        .choice("rng", \.rng, "Whose random numbers the noise repeats: PyTorch's on a CPU or on a GPU."),
        .choice("format", \.format, "Format of the files."),
        .integer("quality", \.quality, 1...100, "JPEG or WebP quality; a WebP of 100 is lossless."),
        .choice("metadata", \.metadata, "How much of the recipe the files carry."),
        .choice(
            "on_truncate", \.onTruncate, "What becomes of a prompt that is too long: cut with a warning, or an error."),
    ]

    package var title: String { String(prompt.prefix(80).map { $0.isNewline ? " " : $0 }) }

    package func check() throws(RequestError) {
        guard let seed, seed.addingReportingOverflow(UInt64(count - 1)).overflow else { return }
        throw .outOfRange(
            param: "seed", value: "\(seed)", allowed: "up to \(UInt64.max - UInt64(count - 1)) for \(count) images")
    }

    package mutating func settle() {
        seed = seed ?? UInt64(UInt32.random(in: .min ... .max))
    }

    /// What a finished generation tells beside its pictures.
    package struct Result: Codable, Sendable, Equatable {
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
        /// Seconds by stage, under the names of `Stage`.
        package var seconds: [String: Double]
        package var peakMemoryBytes: Int
        /// The request with every default filled in: sent again, it draws the same picture.
        package var parameters: Generate

        package init(
            model: String, modelSHA256: String? = nil, device: String = "cpu", kernels: String, threads: Int,
            promptTokens: Int, truncatedText: String? = nil, seconds: [Stage: Double], peakMemoryBytes: Int,
            parameters: Generate
        ) {
            self.model = model
            self.modelSHA256 = modelSHA256
            self.device = device
            self.kernels = kernels
            self.threads = threads
            self.promptTokens = promptTokens
            self.truncatedText = truncatedText
            self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
            self.peakMemoryBytes = peakMemoryBytes
            self.parameters = parameters
        }

        private enum CodingKeys: String, CodingKey {
            case model, device, kernels, threads, seconds, parameters
            case modelSHA256 = "model_sha256"
            case promptTokens = "prompt_tokens"
            case truncatedText = "truncated_text"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }
}
