// Draws pictures from a prompt: encode the text, denoise latents along a sampler's table, decode.
//
// Shapes  H W latents, C latent channels; f pixels of one latent along a side

package import Kinds
package import Schedulers
package import Tensor
import Vocabulary

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

    /// The files that the model was opened from.
    package var ledger: FileLedger { files.ledger }
    /// Every part in the order of its use.
    package var parts: [any ModelPart] { encoder.parts + denoiser.parts + codec.parts }
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

        /// Evaluations of the denoiser for one picture.
        package var rows: Int { sampling.steps.count }
        package var size: PixelSize { PixelSize(width: width, height: height) }
        package var isGuided: Bool { terms.contains { $0.text == .negative } }
    }

    /// Checks a request against the model; reads no weights. What the request leaves out comes from the model.
    package func plan(_ request: Generate) throws -> Plan {
        try encoder.check(request)
        let (width, height) = (request.width ?? defaults.width, request.height ?? defaults.height)
        try check(width, height)
        let steps = request.steps ?? defaults.steps
        let scale = request.guidance ?? defaults.guidance
        let (sampler, schedule, sampling) = try tabulate(request, steps, width, height)
        return Plan(
            width: width, height: height, steps: steps, guidance: scale,
            terms: guidance.terms(scale, sampling.needsUnguided),
            sampler: sampler, schedule: schedule, sampling: sampling)
    }

    /// Encodes the text of a request and checks it against the denoiser.
    func encode(_ request: Generate, _ plan: Plan, _ lender: some PartLender) throws -> EncodedPrompt {
        let prompt = try encoder(request, guided: plan.isGuided, lender)
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
        let branches = plan.terms.map { $0.text == .prompt ? prompt.positive : prompt.negative ?? prompt.positive }
        return try denoiser.prepare(branches, size: plan.size, guidance: plan.guidance, lender)
    }

    /// Shape of the latents of one picture, [C, H, W].
    func latentShape(_ plan: Plan) -> [Int] {
        [codec.channels, plan.height / codec.factor, plan.width / codec.factor]
    }

    /// The sampler and schedule of a request, and the table they make.
    private func tabulate(
        _ request: Generate, _ steps: Int, _ width: Int, _ height: Int
    ) throws(SchedulerError) -> (Sampler, SigmaSchedule?, SamplingPlan) {
        let named: (sampler: Sampler, schedule: SigmaSchedule?)? =
            if let name = request.sampler { try Sampler.named(name) } else { nil }
        var schedule = named?.schedule
        if let name = request.schedule { schedule = try SigmaSchedule.named(name) }
        let plan = try SamplingPlan(
            SamplingRequest(
                sampler: named?.sampler, schedule: schedule, steps: steps, shift: request.shift,
                imageTokens: denoiser.tokens(height: height / codec.factor, width: width / codec.factor),
                corrects: correctsScheduler, aligned: aligned),
            configuration: scheduler)
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
