// How Stable Diffusion reads a prompt: through one CLIP text encoder or two.

import Checkpoints
import Kinds
import Models
import Tensor
import Tokenizers
import Vocabulary

/// A CLIP text encoder with its tokenizer.
struct CLIPPart: Sendable {
    let model: Part<CLIPTextModel>
    let tokenizer: Part<CLIPTokenizer>
    let configuration: CLIPTextModel.Configuration
    /// Folder of the tokenizer, for messages.
    private let place: String

    init(_ files: ModelFiles, _ index: Int, _ catalog: ModelCatalog, _ precision: Precision) throws {
        let config = try CLIPTextModel.Configuration(files.config(.text(index)))
        configuration = config
        model = try files.part(.text(index), precision) { weights in
            let model = try CLIPTextModel(weights, config)
            try weights.requireAllTaken(ignoring: "position_ids", "logit_scale")
            return model
        }
        tokenizer = try files.clipTokenizer(index, catalog)
        place = files.folder(.tokenizer(index))
    }

    var parts: [any ModelPart] { [tokenizer, model] }

    /// The tokenizer, which must belong to the encoder.
    func words(_ lender: some PartLender) throws -> Lease<CLIPTokenizer> {
        let tokenizer = try lender.lease(tokenizer)
        let (tokens, context) = (tokenizer.value.tokenizer.vocabularySize, tokenizer.value.contextLength)
        guard tokens <= configuration.vocabulary else {
            throw PipelineError.part(
                path: place, fact: "it has \(tokens) tokens, the text encoder knows \(configuration.vocabulary)",
                remedy: "use the tokenizer that belongs to the encoder")
        }
        guard context <= configuration.context else {
            throw PipelineError.part(
                path: place, fact: "it makes \(context) tokens and the text encoder reads \(configuration.context)",
                remedy: "use the tokenizer that belongs to the encoder")
        }
        return tokenizer
    }

    /// A prompt as the encoder read it: in one context, or in several of which each part has its weight.
    struct Reading {
        fileprivate let outputs: [CLIPTextModel.Output]
        fileprivate let weights: [[Float]]
        let tokens: Int
        let truncatedText: String?
        /// The most tokens that are read.
        let limit: Int

        /// Pooled vector of the first context.
        var pooled: Tensor { outputs[0].pooled }

        /// The states that `choose` takes of each context, weighted and joined: [1, T, D].
        func states(_ choose: (CLIPTextModel.Output) -> Tensor) -> Tensor {
            .underEachOther(zip(outputs, weights).map { WeightedStates.weighted(choose($0), by: $1) })
        }
    }

    func read(_ prompt: String, _ syntax: PromptSyntax?, _ lender: some PartLender) throws -> Reading {
        let words = try words(lender).value
        let model = try lender.lease(model).value
        let room = words.contextLength - 2
        guard syntax == .weighted else {
            let text = words.encode(prompt)
            return Reading(
                outputs: [model([text.ids])], weights: [[]], tokens: text.tokenCount,
                truncatedText: text.truncatedText.isEmpty ? nil : text.truncatedText, limit: room)
        }
        let text = PromptContexts(WeightedPrompt(prompt), words)
        return Reading(
            outputs: text.contexts.map { model([$0.ids]) }, weights: text.contexts.map(\.weights),
            tokens: text.tokenCount, truncatedText: text.truncatedText.isEmpty ? nil : text.truncatedText,
            limit: room * PromptContexts.limit)
    }

    /// Refuses to skip more layers than there are; `own` are skipped anyway.
    func check(_ request: some DrawingParameters, skipping own: Int = 0) throws(PipelineError) {
        let most = configuration.depth - own
        guard let skipped = request.clipSkip, skipped > most else { return }
        throw .request(
            parameter: "clip_skip", fact: "\(skipped) is more than the layers of the text encoder",
            remedy: most > 0 ? "skip at most \(most)" : "leave it out")
    }

    /// What a text of the greatest length gives, for walks of shapes.
    func longest(_ lender: some PartLender) throws -> CLIPTextModel.Output {
        try lender.lease(model).value([[Int](repeating: 0, count: configuration.context)])
    }
}

/// Stable Diffusion 1.x and 2.x: the last hidden state of one encoder.
struct CLIPPromptEncoder: PromptEncoder {
    let part: CLIPPart

    var parts: [any ModelPart] { part.parts }
    var readsWeights: Bool { true }

    func check(_ request: some DrawingParameters) throws(PipelineError) { try part.check(request) }

    func callAsFunction(
        _ request: some DrawingParameters, guided: Bool, _ lender: some PartLender
    ) throws -> EncodedPrompt {
        let model = try lender.lease(part.model).value
        let syntax = request.promptSyntax
        // The final norm follows the layers that are skipped.
        func states(_ reading: CLIPPart.Reading, skipping count: Int?) -> Tensor {
            reading.states { output in count.map { model.normalised(output.hidden(skipping: $0)) } ?? output.last }
        }
        let prompt = try part.read(request.prompt, syntax, lender)
        // diffusers skips layers for the prompt alone, AUTOMATIC1111 for both.
        let skippedBeside = syntax == .weighted ? request.clipSkip : nil
        return EncodedPrompt(
            positive: Branch(hidden: states(prompt, skipping: request.clipSkip)),
            negative: guided
                ? Branch(
                    hidden: states(
                        try part.read(request.negativePrompt ?? "", syntax, lender), skipping: skippedBeside)) : nil,
            tokens: prompt.tokens, truncatedText: prompt.truncatedText, limit: prompt.limit)
    }

    func longest(guided: Bool, _ lender: some PartLender) throws -> [Branch] {
        try (0..<(guided ? 2 : 1)).map { _ in Branch(hidden: try part.longest(lender).last) }
    }
}

/// Stable Diffusion XL: the states before the last layer of two encoders side by side, and the second's pooled vector.
struct CLIPPairPromptEncoder: PromptEncoder {
    let first, second: CLIPPart
    /// Whether no negative prompt means zeros instead of an encoded empty text.
    let zeroesEmptyNegative: Bool

    var parts: [any ModelPart] { first.parts + second.parts }
    var readsWeights: Bool { true }

    func check(_ request: some DrawingParameters) throws(PipelineError) {
        for part in [first, second] { try part.check(request, skipping: 1) }
    }

    func callAsFunction(
        _ request: some DrawingParameters, guided: Bool, _ lender: some PartLender
    ) throws -> EncodedPrompt {
        let syntax = request.promptSyntax
        let (text, positive) = try encode(request.prompt, syntax, skipping: request.clipSkip ?? 0, lender)
        let skippedBeside = syntax == .weighted ? request.clipSkip ?? 0 : 0
        // An empty negative prompt is none, but for diffusers, where it was written.
        let isEmpty = request.negativePrompt == nil || syntax == .weighted && request.negativePrompt?.isEmpty == true
        var other: Branch?
        if guided {
            other =
                isEmpty && zeroesEmptyNegative
                ? Branch(
                    hidden: Tensor(zeros: positive.hidden.shape),
                    pooled: positive.pooled.map { Tensor(zeros: $0.shape) })
                : try encode(request.negativePrompt ?? "", syntax, skipping: skippedBeside, lender).branch
        }
        return EncodedPrompt(
            positive: positive, negative: other, tokens: text.tokens, truncatedText: text.truncatedText,
            limit: text.limit)
    }

    func longest(guided: Bool, _ lender: some PartLender) throws -> [Branch] {
        let (one, two) = (try first.longest(lender), try second.longest(lender))
        return (0..<(guided ? 2 : 1)).map { _ in
            Branch(hidden: one.hidden(skipping: 1).joined(with: two.hidden(skipping: 1)), pooled: two.pooled)
        }
    }

    /// `count` layers less than the model was trained with.
    private func encode(
        _ prompt: String, _ syntax: PromptSyntax?, skipping count: Int, _ lender: some PartLender
    ) throws -> (text: CLIPPart.Reading, branch: Branch) {
        let one = try first.read(prompt, syntax, lender)
        let two = try second.read(prompt, syntax, lender)
        let states = [one, two].map { $0.states { $0.hidden(skipping: 1 + count) } }
        guard states[0].rows == states[1].rows else {
            throw PipelineError.request(
                parameter: "prompt", fact: "the model's two tokenizers cut it into contexts of other numbers",
                remedy: "set the breaks with BREAK")
        }
        return (one, Branch(hidden: states[0].joined(with: states[1]), pooled: two.pooled))
    }
}

/// Hidden states of which parts weigh more.
enum WeightedStates {
    /// States [1, T, D] times the weights of their tokens, brought back to the mean that they had: "original" emphasis.
    static func weighted(_ states: Tensor, by weights: [Float]) -> Tensor {
        guard weights.contains(where: { $0 != 1 }) else { return states }
        var values = states.floats
        func mean() -> Double { values.reduce(0) { $0 + Double($1) } / Double(max(1, values.count)) }
        let before = mean()
        for (row, weight) in weights.enumerated() where row < states.rows {
            for place in row * states.width..<(row + 1) * states.width { values[place] *= weight }
        }
        let factor = Float(before / mean())
        return Tensor(factor.isFinite ? values.map { $0 * factor } : values, states.shape)
    }
}

extension DrawingParameters {
    /// A prompt without what only weighs its words.
    func words(_ prompt: String) -> String {
        promptSyntax == .weighted ? WeightedPrompt(prompt).text : prompt
    }
}
