// How Stable Diffusion reads a prompt: through one CLIP text encoder or two.

import Checkpoints
import Models
import Tensor
import Tokenizers

/// A CLIP text encoder with its tokenizer.
struct CLIPPart: Sendable {
    let model: CLIPTextModel
    let tokenizer: CLIPTokenizer

    init(
        _ files: ModelFiles, _ encoder: String, _ tokenizer: String, _ catalog: ModelCatalog, _ precision: Precision
    ) throws {
        let weights = try files.weights(encoder, precision)
        model = try CLIPTextModel(weights, CLIPTextModel.Configuration(files.config(encoder)))
        try weights.requireAllTaken(ignoring: "position_ids", "logit_scale")
        self.tokenizer = try files.clipTokenizer(tokenizer, catalog)
        guard self.tokenizer.tokenizer.vocabularySize <= model.configuration.vocabulary else {
            throw PipelineError.part(
                path: "\(files.path)/\(tokenizer)",
                fact: "it has \(self.tokenizer.tokenizer.vocabularySize) tokens, the text encoder knows "
                    + "\(model.configuration.vocabulary)",
                remedy: "use the tokenizer that belongs to the encoder")
        }
        guard self.tokenizer.contextLength <= model.configuration.context else {
            throw PipelineError.part(
                path: "\(files.path)/\(tokenizer)",
                fact:
                    "it makes \(self.tokenizer.contextLength) tokens and the text encoder reads \(model.configuration.context)",
                remedy: "use the tokenizer that belongs to the encoder")
        }
    }

    func encode(_ prompt: String) -> (text: CLIPTokenizer.Prompt, output: CLIPTextModel.Output) {
        let text = tokenizer.encode(prompt)
        return (text, model([text.ids]))
    }
}

/// Stable Diffusion 1.x and 2.x: the last hidden state of one encoder.
struct CLIPPromptEncoder: PromptEncoder {
    let part: CLIPPart

    func callAsFunction(_ prompt: String, negative: String?, guided: Bool) throws -> EncodedPrompt {
        let (text, output) = part.encode(prompt)
        return EncodedPrompt(
            positive: Conditioning(hidden: output.last),
            negative: guided ? Conditioning(hidden: part.encode(negative ?? "").output.last) : nil,
            tokens: text.tokenCount, truncatedText: text.truncatedText.isEmpty ? nil : text.truncatedText,
            limit: part.tokenizer.contextLength - 2)
    }
}

/// Stable Diffusion XL: the states before the last layer of two encoders side by side, and the second's pooled vector.
struct CLIPPairPromptEncoder: PromptEncoder {
    let first, second: CLIPPart
    /// Whether no negative prompt means zeros instead of an encoded empty text.
    let zeroesEmptyNegative: Bool

    func callAsFunction(_ prompt: String, negative: String?, guided: Bool) throws -> EncodedPrompt {
        let (text, positive) = encode(prompt)
        var other: Conditioning?
        if guided {
            other =
                negative == nil && zeroesEmptyNegative
                ? Conditioning(
                    hidden: Tensor(zeros: positive.hidden.shape),
                    pooled: positive.pooled.map { Tensor(zeros: $0.shape) })
                : encode(negative ?? "").condition
        }
        return EncodedPrompt(
            positive: positive, negative: other, tokens: text.tokenCount,
            truncatedText: text.truncatedText.isEmpty ? nil : text.truncatedText,
            limit: first.tokenizer.contextLength - 2)
    }

    private func encode(_ prompt: String) -> (text: CLIPTokenizer.Prompt, condition: Conditioning) {
        let (text, one) = first.encode(prompt)
        let two = second.encode(prompt).output
        let hidden = one.hidden(skipping: 1).joined(with: two.hidden(skipping: 1))
        return (text, Conditioning(hidden: hidden, pooled: two.pooled))
    }
}
