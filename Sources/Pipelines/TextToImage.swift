// Draws pictures from a prompt, or from a picture: encode the text, denoise latents along a sampler's table, decode.
//
// Shapes  H W latents, C latent channels; f pixels of one latent along a side

package import Kinds
package import Schedulers
package import Tensor
package import Vocabulary

/// A text-to-image model: what its configurations say, and parts that are loaded when they are needed.
package struct TextToImage: Sendable {
    /// What a request leaves open.
    package struct Defaults: Sendable, Equatable {
        package var width, height, steps: Int
        package var guidance: Double
    }

    /// The name that requests use.
    package var name = ""
    /// The model's family, such as "stable-diffusion-xl".
    package var family: String
    package var precision: Precision
    var files: ModelFiles
    package var defaults: Defaults
    /// The checkpoint's sampler and noise levels.
    package var scheduler: SchedulerConfiguration
    var encoder: any PromptEncoder
    var denoiser: any Denoiser
    var codec: any LatentCodec
    package var guidance: GuidanceRule
    /// Whether the configuration is corrected as diffusers' Stable Diffusion pipeline corrects it.
    var correctsScheduler = false
    /// Whose optimised levels Align Your Steps takes, if there are any for the family.
    var aligned: AlignedModel?
    /// What the denoiser is shown of a picture.
    var form = EncodedSource.Form.blended
    /// How instructions are carried out; nil where the model was not trained for them.
    var editing: Editing?
    /// Whether the model draws well only at its own size, to which pictures that it changes are then brought.
    var keepsOwnSize = false

    /// An autoencoder that took the place of the model's own: its name and the files of its weights.
    var autoencoder: (name: String, weights: [String])?
    /// How the latents of the model's own autoencoder are scaled; nil where another cannot take its place.
    var latentScale: Float?

    /// Changing pictures by instruction.
    struct Editing: Sendable {
        /// Scale of the guidance by the picture that a request leaves out.
        var imageGuidance: Double
        /// What reads instructions; nil: what reads prompts.
        var encoder: (any PromptEncoder)?
    }

    /// What can be done with the model.
    package var kinds: Set<JobKind> {
        var kinds: Set<JobKind> = []
        if form == .blended || form == .masked { kinds.insert(Generate.kind) }
        if editing != nil { kinds.insert(Edit.kind) }
        return kinds
    }

    /// The files that the model was opened from.
    package var ledger: FileLedger { files.ledger }
    /// The parts that a drawing wants, in the order of their use.
    func parts(_ plan: Plan) -> [any ModelPart] {
        encoder(for: plan).parts + denoiser.parts + codec.parts + (plan.source == nil ? [] : codec.encodingParts)
    }

    /// Every part that some drawing wants.
    var everyPart: [any ModelPart] { encoder.parts + denoiser.parts + codec.parts + codec.encodingParts }

    func encoder(for plan: Plan) -> any PromptEncoder {
        if case .instructed? = plan.source?.form { editing?.encoder ?? encoder } else { encoder }
    }
}

extension TextToImage {
    /// A request with every choice made: what is left is the text and a seed.
    package struct Plan: Sendable {
        package var width, height, steps: Int
        package var guidance: Double
        package var terms: [GuidanceRule.Term]
        package var sampler: Sampler
        package var schedule: SigmaSchedule?
        package var sampling: SamplingPlan
        /// nil: from noise alone.
        var source: Source?
        var prompts: PromptVariants
        /// Pixel lines that the autoencoder works on at a time; nil: all.
        var band: Int?
        /// What a user should know although it stops nothing.
        var warnings: [String] = []

        /// A drawing that begins from a picture.
        struct Source: Sendable {
            var framing: Framing
            var form: EncodedSource.Form
            var strength: Double?
            var imageGuidance: Double?
        }

        /// Evaluations of the denoiser for one picture.
        package var rows: Int { sampling.steps.count }
        package var size: PixelSize { PixelSize(width: width, height: height) }
        package var isGuided: Bool { terms.contains { $0.text == .negative } }
        var strength: Double? { source?.strength }

        func choices(_ model: TextToImage) -> DrawingChoices {
            // A part's canvas is what was asked for; a picture that was brought to the model's size was not asked to be.
            let size: PixelSize? =
                switch source?.framing.fit {
                case .padded?: source?.framing.source
                case .scaled?: nil
                case .part?, nil: self.size
                }
            return DrawingChoices(
                model: model.name, width: size?.width, height: size?.height, steps: steps, guidance: guidance,
                sampler: sampler.rawValue, schedule: schedule?.rawValue, precision: model.precision,
                strength: source?.strength, imageGuidance: source?.imageGuidance, band: band)
        }
    }

    /// Checks a request against the model; reads no weights, and of pictures only the headers. What the request leaves out
    /// comes from the model.
    package func plan(_ request: some DrawingParameters, _ inputs: [Blob: String] = [:]) throws -> Plan {
        let source = try planned(request, inputs)
        let isInstructed = if case .instructed? = source?.form { true } else { false }
        let reader = isInstructed ? editing?.encoder ?? encoder : encoder
        try reader.check(request)
        let width = source?.framing.canvas.width ?? request.width ?? defaults.width
        let height = source?.framing.canvas.height ?? request.height ?? defaults.height
        if source == nil { try check(width, height) }
        let steps = request.steps ?? defaults.steps
        let scale = request.guidance ?? defaults.guidance
        let (sampler, schedule, sampling) = try tabulate(request, steps, source?.strength, width, height)
        let rows = sampling.steps.count
        let prompts = try PromptVariants(
            request, rows: rows, of: max(rows, source?.strength.map { Int(Double(rows) / $0) } ?? rows))
        var warnings = sampling.ignored.map { "\($0) has no effect with the sampler \(sampler.rawValue)" }
        if request.promptSyntax == .weighted, !reader.readsWeights, !prompts.arePlain {
            warnings.append("weights in the prompt have no effect: \(name) reads prompts with a language model")
        }
        let rule = isInstructed && editing != nil ? GuidanceRule.instruction : guidance
        let terms = rule.terms(scale, source?.imageGuidance, sampling.needsUnguided)
        warnings += unheard(request, terms)
        return Plan(
            width: width, height: height, steps: steps, guidance: scale, terms: terms,
            sampler: sampler, schedule: schedule, sampling: sampling, source: source, prompts: prompts,
            band: request.band, warnings: warnings)
    }

    /// What a request says of guidance and a picture without guidance does not hear.
    private func unheard(_ request: some DrawingParameters, _ terms: [GuidanceRule.Term]) -> [String] {
        guard terms.count == 1 else { return [] }
        var names: [String] = []
        if !(request.negativePrompt ?? "").isEmpty { names.append("negative_prompt") }
        if (request.guidanceRescale ?? 0) > 0 { names.append("guidance_rescale") }
        let remedy =
            guidance.terms(2, nil, false).count > 1
            ? "ask for a guidance above 1" : "this model is told the scale and has no other branch"
        return names.map { "\($0) has no effect without guidance; \(remedy)" }
    }

    /// What a request that leaves everything out asks for.
    package func usualPlan() throws -> Plan {
        let steps = defaults.steps
        let usual = Generate()
        let (sampler, schedule, sampling) = try tabulate(usual, steps, nil, defaults.width, defaults.height)
        let rows = sampling.steps.count
        return try Plan(
            width: defaults.width, height: defaults.height, steps: steps, guidance: defaults.guidance,
            terms: guidance.terms(defaults.guidance, editing?.imageGuidance, sampling.needsUnguided),
            sampler: sampler, schedule: schedule, sampling: sampling,
            prompts: PromptVariants(usual, rows: rows, of: rows))
    }

    /// Where the drawing begins, and whether this model can begin there.
    private func planned(_ request: some DrawingParameters, _ inputs: [Blob: String]) throws -> Plan.Source? {
        func refused(_ parameter: String, _ fact: String, _ remedy: String) -> PipelineError {
            .request(parameter: parameter, fact: "\(fact)", remedy: remedy)
        }
        guard let source = request.source else {
            switch form {
            case .blended: return nil
            case .masked:
                throw refused("image", "the model \(name) repaints parts of pictures", "give it an image and a mask")
            case .instructed:
                throw refused("model", "\(name) changes pictures by instruction", "use the kind edit, or another model")
            }
        }
        var planned: (form: EncodedSource.Form, strength: Double?, imageGuidance: Double?)
        switch source.use {
        case .start(let strength):
            if case .instructed = form {
                throw refused("model", "\(name) changes pictures by instruction", "use the kind edit, or another model")
            }
            if form == .masked && source.mask == nil {
                throw refused(
                    "mask", "the model \(name) repaints parts of pictures", "give a mask, or use another model")
            }
            planned = (form, strength ?? (source.mask == nil ? 0.75 : 1), nil)
        case .instruction(let imageGuidance):
            guard let editing else {
                throw refused(
                    "model", "\(name) was not trained to change pictures by instruction",
                    "use a model that lists edit, or the kind generate with an image")
            }
            let form = if case .instructed = form { form } else { EncodedSource.Form.instructed(scaled: true) }
            planned = (form, nil, imageGuidance ?? editing.imageGuidance)
        }
        let framing = try Framing(
            source, size: InputPicture("image", source.image, inputs).size(), wanted: (request.width, request.height),
            unit: codec.factor * denoiser.unit, own: PixelSize(width: defaults.width, height: defaults.height),
            keepsOwn: keepsOwnSize)
        return Plan.Source(
            framing: framing, form: planned.form, strength: planned.strength, imageGuidance: planned.imageGuidance)
    }

    /// Encodes the text of a request and checks it against the denoiser.
    func encode(
        _ request: some DrawingParameters, _ plan: Plan, _ lender: some PartLender
    ) throws -> EncodedPrompt {
        let reader = encoder(for: plan)
        let prompt = try reader(request, guided: plan.isGuided, lender)
        if prompt.truncatedText != nil && request.onTruncate == .error {
            throw PipelineError.truncated(tokens: prompt.tokens, limit: prompt.limit)
        }
        for branch in [prompt.positive] + [prompt.negative].compactMap(\.self) {
            if let fact = denoiser.mismatch(with: branch, channels: codec.channels) {
                throw PipelineError.part(path: family, fact: fact, remedy: "use the parts of one model")
            }
            guard branch.hidden.firstNonFinite == nil, branch.pooled?.firstNonFinite == nil else {
                throw PipelineError.nonFinite(stage: .encode, step: nil)
            }
        }
        return prompt
    }

    /// Prepares the branches of a plan, in the order of its terms.
    func prepare(
        _ prompt: EncodedPrompt, _ plan: Plan, _ lender: some PartLender
    ) throws -> any PreparedBranches {
        let branches = plan.terms.map { term in
            var branch = term.text == .prompt ? prompt.positive : prompt.negative ?? prompt.positive
            branch.showsSource = term.showsSource
            return branch
        }
        return try denoiser.prepare(branches, size: plan.size, guidance: plan.guidance, lender)
    }

    /// Shape of the latents of one picture, [C, H, W].
    func latentShape(_ plan: Plan) -> [Int] {
        [codec.channels, plan.height / codec.factor, plan.width / codec.factor]
    }

    /// The sampler and schedule of a request, and the table they make.
    private func tabulate(
        _ request: some DrawingParameters, _ steps: Int, _ strength: Double?, _ width: Int, _ height: Int
    ) throws -> (Sampler, SigmaSchedule?, SamplingPlan) {
        let named: (sampler: Sampler, schedule: SigmaSchedule?)? =
            if let name = request.sampler { try Sampler.named(name) } else { nil }
        var schedule = named?.schedule
        if let name = request.schedule { schedule = try SigmaSchedule.named(name) }
        var asked = SamplingRequest(
            sampler: named?.sampler, schedule: schedule, steps: steps, strength: strength, shift: request.shift,
            imageTokens: denoiser.tokens(height: height / codec.factor, width: width / codec.factor),
            corrects: correctsScheduler, aligned: aligned)
        let plan = try asked.plan(scheduler, overriding: request)
        let sampler = if let named { named.sampler } else { try Sampler(scheduler) }
        return (sampler, schedule, plan)
    }

    private func check(_ width: Int, _ height: Int) throws(PipelineError) {
        let unit = codec.factor * denoiser.unit
        let nearest = [width, height].map { min(8192 / unit * unit, max(unit, ($0 + unit / 2) / unit * unit)) }
        guard [width, height] == nearest else {
            throw .size(width: width, height: height, multiple: unit, nearest: nearest)
        }
    }
}

extension Tensor: Combinable {
    package static func weightedSum(_ terms: [(weight: Float, value: Tensor)]) -> Tensor {
        guard let first = terms.first else { preconditionFailure("a weighted sum has terms") }
        guard terms.count > 1 else { return first.value.scaled(by: first.weight, as: .f32) }
        let sum = first.value.blended(first.weight, with: terms[1].value, terms[1].weight, as: .f32)
        return terms.dropFirst(2).reduce(sum) { $0.blended(1, with: $1.value, $1.weight) }
    }

    package func clamped(to bound: Float) -> Tensor {
        Tensor(floats.map { Swift.min(bound, Swift.max(-bound, $0)) }, shape)
    }

    package var elements: [Float] { floats }
}
