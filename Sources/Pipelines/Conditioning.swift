package import Tensor

/// What a denoiser is told about the picture, for one branch of guidance.
package struct Conditioning: Sendable {
    /// Hidden states of the prompt [1, T, D].
    package var hidden: Tensor
    /// Pooled vector of the prompt [1, P], where the model has one.
    package var pooled: Tensor?

    package init(hidden: Tensor, pooled: Tensor? = nil) {
        self.hidden = hidden
        self.pooled = pooled
    }
}

/// A prompt, encoded, with what the user should know about it.
package struct EncodedPrompt: Sendable {
    package var positive: Conditioning
    /// nil when the job is not guided.
    package var negative: Conditioning?
    /// Tokens of the prompt before any cut, markers included.
    package var tokens: Int
    /// Text that did not fit; nil when all of it did.
    package var truncatedText: String?
    /// Most tokens that the encoder reads.
    package var limit: Int
}

/// Text encoders of one family of models.
package protocol PromptEncoder: Sendable {
    /// Encodes the prompt and, when `guided`, the negative prompt.
    func callAsFunction(_ prompt: String, negative: String?, guided: Bool) throws -> EncodedPrompt
}

/// Predicts noise, velocity or the picture from noisy latents.
package protocol Denoiser: Sendable {
    /// What about a text or about latents of so many channels does not fit this network; nil when all does. Parts of
    /// different models in one folder are met here, before any arithmetic.
    func mismatch(with branch: Conditioning, channels: Int) -> String?

    /// Whether the network is told the scale of guidance and needs no negative branch, as consistency models are.
    var embedsGuidance: Bool { get }

    /// Prepares what stays the same over the steps of one picture of `size` pixels: keys and values of the text.
    func conditioned(on branches: [Conditioning], size: PixelSize, guidance: Double) -> Prediction

    /// One model output [1, H, W, C] in f32 for each branch, from latents [1, H, W, C] and a timestep (0 ... 1000).
    typealias Prediction = (_ latents: Tensor, _ timestep: Float) -> [Tensor]
}

/// Width and height of a picture in pixels.
package struct PixelSize: Sendable, Equatable {
    package var width, height: Int
}

/// Turns latents into a picture.
package protocol LatentDecoder: Sendable {
    /// Latents [1, H, W, C] as the denoiser leaves them → picture [1, H·f, W·f, 3] in −1 ... 1, f32.
    func decode(_ latents: Tensor) -> Tensor
}
