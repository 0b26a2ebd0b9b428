/// A picture from a prompt. Everything but the prompt is optional; what is left out comes from the model.
package struct GenerateRequest: Sendable, Equatable {
    package var prompt: String
    package var model: String?
    package var negativePrompt: String?
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
    /// Seed of the first image; image i uses `seed + i`. Nil asks the daemon to choose one.
    package var seed: UInt64?
    /// Number of images.
    package var count: Int
    package var precision: Precision?
    package var rng: RandomSource
    package var format: ImageFormat
    /// JPEG quality, 1 to 100.
    package var quality: Int
    package var metadata: MetadataLevel
    package var onTruncate: TruncationPolicy

    package init(
        prompt: String, model: String? = nil, negativePrompt: String? = nil, width: Int? = nil, height: Int? = nil,
        steps: Int? = nil, guidance: Double? = nil, sampler: String? = nil, schedule: String? = nil,
        shift: Double? = nil, seed: UInt64? = nil, count: Int = 1, precision: Precision? = nil,
        rng: RandomSource = .torch, format: ImageFormat = .png, quality: Int = 95, metadata: MetadataLevel = .full,
        onTruncate: TruncationPolicy = .warn
    ) {
        self.prompt = prompt
        self.model = model
        self.negativePrompt = negativePrompt
        self.width = width
        self.height = height
        self.steps = steps
        self.guidance = guidance
        self.sampler = sampler
        self.schedule = schedule
        self.shift = shift
        self.seed = seed
        self.count = count
        self.precision = precision
        self.rng = rng
        self.format = format
        self.quality = quality
        self.metadata = metadata
        self.onTruncate = onTruncate
    }
}

extension GenerateRequest: Codable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case prompt, model, width, height, steps, guidance, sampler, schedule, shift, seed, count, precision, rng
        case format, quality, metadata
        case negativePrompt = "negative_prompt"
        case onTruncate = "on_truncate"
    }

    package init(from decoder: any Decoder) throws {
        try self.init(Fields<CodingKeys>(decoder))
    }

    private init(_ fields: Fields<CodingKeys>) throws(RequestError) {
        guard let prompt = try fields.string(.prompt) else { throw .missing(param: "prompt") }
        self.init(prompt: prompt)
        model = try fields.string(.model)
        negativePrompt = try fields.string(.negativePrompt)
        width = try fields.integer(.width)
        height = try fields.integer(.height)
        steps = try fields.integer(.steps)
        guidance = try fields.number(.guidance)
        sampler = try fields.string(.sampler)
        schedule = try fields.string(.schedule)
        shift = try fields.number(.shift)
        seed = try fields.seed(.seed)
        count = try fields.integer(.count) ?? count
        precision = try fields.named(.precision)
        rng = try fields.named(.rng) ?? rng
        format = try fields.named(.format) ?? format
        quality = try fields.integer(.quality) ?? quality
        metadata = try fields.named(.metadata) ?? metadata
        onTruncate = try fields.named(.onTruncate) ?? onTruncate
    }
}
