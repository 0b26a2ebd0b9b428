// Draws pictures from a prompt: encode the text, denoise latents along a sampler's table, decode.
//
// Shapes  H W latents, C latent channels; f pixels of one latent along a side

package import Schedulers
package import Tensor

/// A text-to-image model, ready to draw.
package struct TextToImage: Sendable {
    /// What a request leaves open.
    package struct Defaults: Sendable, Equatable {
        package var width, height, steps: Int
        package var guidance: Double
    }

    /// Shape of the space that the denoiser works in.
    package struct LatentSpace: Sendable, Equatable {
        package var channels: Int
        /// Pixels of one latent along each side.
        package var factor: Int
    }

    /// The model's family, such as "stable-diffusion-xl".
    package var family: String
    package var defaults: Defaults
    /// The checkpoint's sampler and noise levels.
    package var scheduler: SchedulerConfiguration
    var encoder: any PromptEncoder
    var denoiser: any Denoiser
    var decoder: any LatentDecoder
    var latents: LatentSpace
    /// Whether the configuration is corrected as diffusers' Stable Diffusion pipeline corrects it.
    var correctsScheduler = false
    /// Whose optimised levels Align Your Steps takes, if there are any for the family.
    var aligned: AlignedModel?
    /// Whether both branches are evaluated at any scale of guidance, as DreamLite does; else only above 1.
    var alwaysGuided = false

    /// One job; what is nil comes from the model.
    package struct Request: Sendable {
        package var prompt: String
        package var negative: String?
        package var width, height, steps: Int?
        package var guidance: Double?
        package var sampler, schedule: String?
        package var shift: Double?
        package var refusesTruncation = false

        package init(prompt: String) { self.prompt = prompt }
    }

    /// Where a drawing is; step is 0 outside the denoising loop and before its first step is done.
    package struct Progress: Sendable, Equatable {
        package var stage: PipelineError.Stage
        package var step, steps: Int
    }
}

extension TextToImage {
    /// A request with every choice made and its text encoded: what is left is a seed.
    package struct Plan: Sendable {
        package var width, height, steps: Int
        package var guidance: Double
        package var sampler: Sampler
        package var schedule: SigmaSchedule?
        package var prompt: EncodedPrompt
        /// Parameters that the sampler has no use for.
        package var ignored: [String]
        var sampling: SamplingPlan

        /// Evaluations of the denoiser for one picture.
        package var rows: Int { sampling.steps.count }
    }

    /// Checks a request against the model and encodes its text.
    package func plan(_ request: Request) throws -> Plan {
        let (width, height) = (request.width ?? defaults.width, request.height ?? defaults.height)
        try check(width, height)
        let steps = request.steps ?? defaults.steps
        let guidance = request.guidance ?? defaults.guidance
        let (sampler, schedule, sampling) = try tabulate(request, steps, width, height)
        let guided = alwaysGuided || !denoiser.embedsGuidance && (guidance > 1 || sampling.needsUnguided)
        let prompt = try encoder(request.prompt, negative: request.negative, guided: guided)
        if prompt.truncatedText != nil && request.refusesTruncation {
            throw PipelineError.truncated(tokens: prompt.tokens, limit: prompt.limit)
        }
        for branch in [prompt.positive, prompt.negative ?? prompt.positive] {
            guard let fact = denoiser.mismatch(with: branch, channels: latents.channels) else { continue }
            throw PipelineError.part(path: family, fact: fact, remedy: "use the parts of one model")
        }
        try requireFinite([prompt.positive] + [prompt.negative].compactMap(\.self))
        return Plan(
            width: width, height: height, steps: steps, guidance: guidance, sampler: sampler, schedule: schedule,
            prompt: prompt, ignored: sampling.ignored, sampling: sampling)
    }

    /// Draws one picture [H·f, W·f, 3] in −1 ... 1. `observe` is called before each step and before decoding; what it
    /// throws ends the drawing.
    package func draw(
        _ plan: Plan, seed: UInt64, from source: RandomOrigin, observe: (Progress) throws -> Void
    ) throws -> Tensor {
        let shape = [latents.channels, plan.height / latents.factor, plan.width / latents.factor]
        var noise = LatentNoise(source, seed: seed, shape: shape, plan.sampling)
        var state = SamplingState(latents: noise.draw().scaled(by: plan.sampling.initialNoise))
        let predict = denoiser.conditioned(
            on: [plan.prompt.positive] + [plan.prompt.negative].compactMap(\.self),
            size: PixelSize(width: plan.width, height: plan.height), guidance: plan.guidance)
        let rows = plan.sampling.steps
        for (index, row) in rows.enumerated() {
            try observe(Progress(stage: .denoise, step: index, steps: rows.count))
            let outputs = predict(row.modelInput(state.latents), row.timestep)
            let unguided = row.needsUnguided && outputs.count > 1 ? outputs[1].converted(to: .f32) : nil
            row.apply(
                output: guided(outputs, Float(plan.guidance)), unguided: unguided, noise: noise.next(for: row),
                history: plan.sampling.history, to: &state)
            guard state.latents.firstNonFinite == nil else {
                throw PipelineError.nonFinite(stage: .denoise, step: index + 1)
            }
        }
        try observe(Progress(stage: .decode, step: rows.count, steps: rows.count))
        // Decoding has tensors of other sizes than denoising, so what the denoiser's left is given back first.
        Arena.trim()
        let picture = decoder.decode(state.latents)
        guard picture.firstNonFinite == nil else { throw PipelineError.nonFinite(stage: .decode, step: nil) }
        return picture[0]
    }

    /// The sampler and schedule of a request, and the table they make.
    private func tabulate(
        _ request: Request, _ steps: Int, _ width: Int, _ height: Int
    ) throws(SchedulerError) -> (Sampler, SigmaSchedule?, SamplingPlan) {
        let named: (sampler: Sampler, schedule: SigmaSchedule?)? =
            if let name = request.sampler { try Sampler.named(name) } else { nil }
        var schedule = named?.schedule
        if let name = request.schedule { schedule = try SigmaSchedule.named(name) }
        let plan = try SamplingPlan(
            SamplingRequest(
                sampler: named?.sampler, schedule: schedule, steps: steps, shift: request.shift,
                imageTokens: width / latents.factor * (height / latents.factor) / 4, corrects: correctsScheduler,
                aligned: aligned),
            configuration: scheduler)
        let sampler = if let named { named.sampler } else { try Sampler(scheduler) }
        return (sampler, schedule, plan)
    }

    /// Classifier-free guidance (Ho & Salimans 2022): away from the negative branch, in f32.
    private func guided(_ outputs: [Tensor], _ scale: Float) -> Tensor {
        let positive = outputs[0].converted(to: .f32)
        guard outputs.count > 1 else { return positive }
        return outputs[1].converted(to: .f32).blended(1 - scale, with: positive, scale)
    }

    private func check(_ width: Int, _ height: Int) throws(PipelineError) {
        let unit = latents.factor
        let nearest = [width, height].map { min(8192 / unit * unit, max(unit, ($0 + unit / 2) / unit * unit)) }
        guard [width, height] == nearest else {
            throw .size(width: width, height: height, multiple: unit, nearest: nearest)
        }
    }

    private func requireFinite(_ branches: [Conditioning]) throws(PipelineError) {
        for branch in branches where branch.hidden.firstNonFinite != nil || branch.pooled?.firstNonFinite != nil {
            throw .nonFinite(stage: .encode, step: nil)
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
