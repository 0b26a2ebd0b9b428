// Prompts read by a language model: its hidden states condition the denoiser.

import Checkpoints
import Kinds
import Models
import Tensor
import Tokenizers

/// A decoder and the words around a prompt.
struct DecoderPromptEncoder: PromptEncoder {
    let decoder: Part<Llama>
    let tokenizer: Part<Tokenizer>
    /// Where the tokenizer lies, for messages.
    let place: String
    /// Which activations condition the denoiser.
    let depth: Llama.Depth
    let template: Template

    /// How a prompt becomes the text that the decoder reads.
    struct Template: Sendable {
        var before, after: String
        /// Words between `before` and the prompt, which an empty or negative prompt does without.
        var task: String
        /// Tokens at the start whose states are dropped.
        var dropped: Int
        /// Most tokens that are read, those dropped included.
        var limit: Int
        /// Whether white space around the prompt and at the end of the text is removed.
        var strips: Bool
        /// Whether the negative prompt is preceded by the task as well.
        var negativeHasTask: Bool
    }

    var parts: [any ModelPart] { [tokenizer, decoder] }

    func check(_ request: some DrawingParameters) throws(PipelineError) {
        guard request.clipSkip != nil else { return }
        throw .request(
            parameter: "clip_skip", fact: "the prompt is read by a language model, not by CLIP", remedy: "leave it out")
    }

    func callAsFunction(
        _ request: some DrawingParameters, guided: Bool, _ lender: some PartLender
    ) throws -> EncodedPrompt {
        let (positive, tokens, truncated) = try encode(request.words(request.prompt), withTask: true, lender)
        return EncodedPrompt(
            positive: positive,
            negative: guided
                ? try encode(
                    request.words(request.negativePrompt ?? ""), withTask: template.negativeHasTask, lender
                ).branch : nil,
            tokens: tokens, truncatedText: truncated, limit: template.limit - template.dropped)
    }

    func longest(guided: Bool, _ lender: some PartLender) throws -> [Branch] {
        try (0..<(guided ? 2 : 1)).map { _ in
            try branch([Int](repeating: 0, count: template.limit), lender.lease(decoder).value)
        }
    }

    private func encode(
        _ prompt: String, withTask: Bool, _ lender: some PartLender
    ) throws -> (branch: Branch, tokens: Int, truncated: String?) {
        let decoder = try lender.lease(decoder).value
        let tokenizer = try lender.lease(tokenizer).value
        guard tokenizer.vocabularySize <= decoder.configuration.vocabulary else {
            throw PipelineError.part(
                path: place,
                fact: "it has \(tokenizer.vocabularySize) tokens, the text encoder knows "
                    + "\(decoder.configuration.vocabulary)",
                remedy: "use the tokenizer that belongs to the encoder")
        }
        let inner = template.strips ? prompt.trimmed : prompt
        let start = template.before + (withTask ? template.task : "")
        var text = start + inner + template.after
        if template.strips { text = text.trimmedAtEnd }
        // What a user writes is text, even where it spells a special token.
        let length = text.utf8.count
        let user = min(start.utf8.count, length)..<min(start.utf8.count + inner.utf8.count, length)
        let encoding = tokenizer.encodeWithOrigins(text, specialTokens: .literal(in: user.isEmpty ? [] : [user]))
        let ids = Array(encoding.ids.prefix(template.limit))
        var truncated: String?
        if encoding.ids.count > template.limit {
            let cut = encoding.origins[template.limit]
            if cut < user.upperBound {
                truncated = String(decoding: text.utf8.dropFirst(cut).prefix(user.upperBound - cut), as: UTF8.self)
            }
        }
        return (branch(ids, decoder), encoding.ids.count - template.dropped, truncated)
    }

    private func branch(_ ids: [Int], _ decoder: Llama) -> Branch {
        let hidden = decoder.hidden(ids, at: depth)
        let kept = hidden[rows: min(template.dropped, ids.count)..<ids.count]
        return Branch(hidden: kept.reshaped([1] + kept.shape))
    }
}

extension String {
    fileprivate var trimmed: String {
        var scalars = unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        return String(String.UnicodeScalarView(scalars)).trimmedAtEnd
    }

    fileprivate var trimmedAtEnd: String {
        var scalars = unicodeScalars[...]
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }
}
