package import Kinds
package import Tensor

/// What a denoiser is told about the picture, for one branch of guidance.
package struct Branch: Sendable {
    /// Hidden states of the prompt [1, T, D].
    package var hidden: Tensor
    /// Pooled vector of the prompt [1, P], where the model has one.
    package var pooled: Tensor?
    /// Whether a network that takes a source picture is shown it in this branch, else zeros.
    package var showsSource: Bool

    package init(hidden: Tensor, pooled: Tensor? = nil, showsSource: Bool = true) {
        self.hidden = hidden
        self.pooled = pooled
        self.showsSource = showsSource
    }
}

/// A prompt, encoded, with what the user should know about it.
package struct EncodedPrompt: Sendable {
    package var positive: Branch
    /// nil when the job is not guided.
    package var negative: Branch?
    /// Tokens of the prompt before any cut, markers included.
    package var tokens: Int
    /// Text that did not fit; nil when all of it did.
    package var truncatedText: String?
    /// Most tokens that the encoder reads.
    package var limit: Int
}

/// Text encoders of one family of models.
package protocol PromptEncoder: Sendable {
    var parts: [any ModelPart] { get }
    /// Whether parts of a prompt can weigh more than others.
    var readsWeights: Bool { get }
    /// Refuses what a request asks of the text and these encoders cannot do; reads no weights.
    func check(_ request: some DrawingParameters) throws(PipelineError)
    /// Encodes the prompt and, when `guided`, the negative prompt.
    func callAsFunction(
        _ request: some DrawingParameters, guided: Bool, _ lender: some PartLender
    ) throws -> EncodedPrompt
    /// Branches of the greatest length, without a tokenizer: for walks of shapes.
    func longest(guided: Bool, _ lender: some PartLender) throws -> [Branch]
}

extension PromptEncoder {
    package var readsWeights: Bool { false }
    package func check(_ request: some DrawingParameters) throws(PipelineError) {}
}

/// Predicts noise, velocity or the picture from noisy latents.
package protocol Denoiser: Sendable {
    var parts: [any ModelPart] { get }
    /// Width and height in latents are multiples of this.
    var unit: Int { get }
    /// Tokens that latents of this size count as, for schedules that are shifted by them.
    func tokens(height: Int, width: Int) -> Int
    /// What about a text or about latents of so many channels does not fit this network; nil when all does. Parts of
    /// different models in one folder are met here, before any arithmetic.
    func mismatch(with branch: Branch, channels: Int) -> String?
    /// Prepares what stays the same over the steps of one picture of `size` pixels: keys and values of the text.
    func prepare(
        _ branches: [Branch], size: PixelSize, guidance: Double, _ lender: some PartLender
    ) throws -> any PreparedBranches
}

/// Branches in the form in which a network reads them at every step.
package protocol PreparedBranches: Sendable {
    /// One model output [1, H, W, C] in f32 for each branch, from latents [1, H, W, C], what the network is shown of a
    /// source picture [1, H, W, S], and a timestep (0 ... 1000).
    func predict(
        _ latents: Tensor, source: Tensor?, timestep: Float, _ lender: some PartLender
    ) throws -> [Tensor]
}

/// Width and height of a picture in pixels.
package struct PixelSize: Sendable, Hashable, CustomStringConvertible {
    package var width, height: Int

    package var description: String { "\(width)x\(height)" }
}

/// Turns latents into a picture.
package protocol LatentCodec: Sendable {
    var parts: [any ModelPart] { get }
    /// Channels of the latents.
    var channels: Int { get }
    /// Pixels of one latent along each side.
    var factor: Int { get }
    /// Latents [1, H, W, C] as the denoiser leaves them → picture [1, H·f, W·f, 3] in −1 ... 1, f32. `band`: lines of
    /// pixels that are worked on at a time; nil: all.
    func decode(_ latents: Tensor, band: Int?, _ lender: some PartLender) throws -> Tensor
    /// Whether decoding is cheap enough for previews.
    var isQuick: Bool { get }

    /// Parts that only encoding needs.
    var encodingParts: [any ModelPart] { get }
    /// Picture [1, H·f, W·f, 3] in −1 ... 1 → its latents.
    func encode(_ pixels: Tensor, band: Int?, _ lender: some PartLender) throws -> EncodedPicture
}

/// The latents of a picture [1, H, W, C] in f32: a Gaussian where the autoencoder is variational.
package struct EncodedPicture: Sendable {
    /// As the encoder leaves them.
    package var mean: Tensor
    /// nil: the latents are certain.
    package var deviation: Tensor?
    /// What the denoiser's latents are: `scale` times those, shifted before.
    package var scale, shift: Float

    /// Latents as the denoiser takes them; `draw` is standard normal and is asked for where they are uncertain.
    func sample(_ draw: () -> Tensor) -> Tensor {
        guard let deviation else { return scaled(mean) }
        return scaled(
            Tensor(zip(zip(mean.floats, deviation.floats), draw().floats).map { $0.0 + $0.1 * $1 }, mean.shape))
    }

    func scaled(_ latents: Tensor) -> Tensor {
        scale == 1 && shift == 0 ? latents : Tensor(latents.floats.map { ($0 - shift) * scale }, latents.shape)
    }
}

/// Guidance as a weighted sum of branches.
package struct GuidanceRule: Sendable {
    /// The text of a branch.
    package enum Text: Sendable { case prompt, negative }

    package struct Term: Sendable, Equatable {
        package var text: Text
        package var weight: Float
        /// Whether the branch is shown the source picture.
        package var showsSource = true
    }

    /// The branches that are evaluated at a scale, and their weights, which sum to 1. `image` is the scale of the guidance
    /// by a source picture. `needsUnguided`: the sampler reads the negative branch by itself, whatever its weight.
    package let terms: @Sendable (_ scale: Double, _ image: Double?, _ needsUnguided: Bool) -> [Term]

    /// Classifier-free guidance (Ho & Salimans 2022): away from the negative branch, where the scale is above 1.
    package static let classifierFree = GuidanceRule { scale, _, needsUnguided in
        scale > 1 || needsUnguided ? both(scale) : [Term(text: .prompt, weight: 1)]
    }
    /// The same at every scale.
    package static let always = GuidanceRule { scale, _, _ in both(scale) }
    /// The network itself is told the scale, as consistency models are.
    package static let embedded = GuidanceRule { _, _, _ in [Term(text: .prompt, weight: 1)] }
    /// By text and by picture (Brooks et al. 2022, InstructPix2Pix, eq. 3), where the first is above 1 and the second at
    /// least 1. The branch without a picture has no weight at 1 and is then left out.
    package static let instruction = GuidanceRule { scale, image, needsUnguided in
        let image = image ?? 1
        guard scale > 1 && image >= 1 || needsUnguided else { return [Term(text: .prompt, weight: 1)] }
        let shown = [
            Term(text: .prompt, weight: Float(scale)), Term(text: .negative, weight: Float(image - scale)),
        ]
        return image == 1 ? shown : shown + [Term(text: .negative, weight: Float(1 - image), showsSource: false)]
    }

    private static func both(_ scale: Double) -> [Term] {
        [Term(text: .prompt, weight: Float(scale)), Term(text: .negative, weight: 1 - Float(scale))]
    }

    /// The output of the negative branch in f32; nil when none was evaluated.
    static func unguided(_ outputs: [Tensor], _ terms: [Term]) -> Tensor? {
        zip(outputs, terms).first { $0.1.text == .negative }?.0.converted(to: .f32)
    }

    /// `guided` brought towards the deviation of the prompt's own prediction (Lin et al. 2023, eq. 15 and 16): diffusers'
    /// `rescale_noise_cfg`. Deviations are taken over the whole picture; `part` is φ, 0 ... 1.
    static func rescaled(_ guided: Tensor, _ outputs: [Tensor], _ terms: [Term], part: Double) -> Tensor {
        guard part > 0, terms.count > 1, let prompt = zip(outputs, terms).first(where: { $0.1.text == .prompt })?.0
        else { return guided }
        let wide = deviation(guided)
        guard wide > 0 else { return guided }
        return guided.scaled(by: Float(part * deviation(prompt) / wide + 1 - part), as: .f32)
    }

    private static func deviation(_ tensor: Tensor) -> Double {
        let values = tensor.converted(to: .f32).floats
        let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        return (values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)).squareRoot()
    }

    /// Σ weight·output in f32, the last branch first.
    static func combine(_ outputs: [Tensor], _ terms: [Term]) -> Tensor {
        precondition(outputs.count == terms.count && !terms.isEmpty, "\(outputs.count) outputs, \(terms.count) terms")
        let outputs = outputs.map { $0.converted(to: .f32) }
        guard outputs.count > 1 else { return outputs[0] }
        let last = outputs.count - 1
        let pair = outputs[last].blended(terms[last].weight, with: outputs[last - 1], terms[last - 1].weight)
        return zip(outputs, terms).dropLast(2).reversed().reduce(pair) { $0.blended(1, with: $1.0, $1.1.weight) }
    }
}
