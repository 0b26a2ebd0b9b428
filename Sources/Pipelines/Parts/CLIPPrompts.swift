// How Stable Diffusion reads a prompt: through one CLIP text encoder or two.

import Checkpoints
import Kinds
import Models
import Tensor
import Tokenizers

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

    func encode(
        _ prompt: String, _ lender: some PartLender
    ) throws -> (text: CLIPTokenizer.Prompt, output: CLIPTextModel.Output) {
        let text = try words(lender).value.encode(prompt)
        return (text, try lender.lease(model).value([text.ids]))
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

    func check(_ request: some DrawingParameters) throws(PipelineError) { try part.check(request) }

    func callAsFunction(
        _ request: some DrawingParameters, guided: Bool, _ lender: some PartLender
    ) throws -> EncodedPrompt {
        let (text, output) = try part.encode(request.prompt, lender)
        // As the reference has it: layers are skipped for the prompt alone, and the final norm follows.
        let hidden = try request.clipSkip.map {
            try lender.lease(part.model).value.normalised(output.hidden(skipping: $0))
        }
        return EncodedPrompt(
            positive: Branch(hidden: hidden ?? output.last),
            negative: guided
                ? Branch(hidden: try part.encode(request.negativePrompt ?? "", lender).output.last) : nil,
            tokens: text.tokenCount, truncatedText: text.truncatedText.isEmpty ? nil : text.truncatedText,
            limit: try part.words(lender).value.contextLength - 2)
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

    func check(_ request: some DrawingParameters) throws(PipelineError) {
        for part in [first, second] { try part.check(request, skipping: 1) }
    }

    func callAsFunction(
        _ request: some DrawingParameters, guided: Bool, _ lender: some PartLender
    ) throws -> EncodedPrompt {
        let (text, positive) = try encode(request.prompt, skipping: request.clipSkip ?? 0, lender)
        var other: Branch?
        if guided {
            other =
                request.negativePrompt == nil && zeroesEmptyNegative
                ? Branch(
                    hidden: Tensor(zeros: positive.hidden.shape),
                    pooled: positive.pooled.map { Tensor(zeros: $0.shape) })
                : try encode(request.negativePrompt ?? "", lender).branch
        }
        return EncodedPrompt(
            positive: positive, negative: other, tokens: text.tokenCount,
            truncatedText: text.truncatedText.isEmpty ? nil : text.truncatedText,
            limit: try first.words(lender).value.contextLength - 2)
    }

    func longest(guided: Bool, _ lender: some PartLender) throws -> [Branch] {
        try (0..<(guided ? 2 : 1)).map { _ in branch(try first.longest(lender), try second.longest(lender)) }
    }

    private func encode(
        _ prompt: String, skipping count: Int = 0, _ lender: some PartLender
    ) throws -> (text: CLIPTokenizer.Prompt, branch: Branch) {
        let (text, one) = try first.encode(prompt, lender)
        return (text, branch(one, try second.encode(prompt, lender).output, skipping: count))
    }

    /// `count` layers less than the model was trained with.
    private func branch(_ one: CLIPTextModel.Output, _ two: CLIPTextModel.Output, skipping count: Int = 0) -> Branch {
        Branch(
            hidden: one.hidden(skipping: 1 + count).joined(with: two.hidden(skipping: 1 + count)), pooled: two.pooled)
    }
}
