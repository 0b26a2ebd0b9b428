// Words that every room speaks: each enumeration is a closed list that both sides print and read.

/// The parts of a job, in the order in which they happen; a kind passes through those that it has.
package enum Stage: String, Codable, Sendable, CaseIterable {
    /// Weights are read.
    case load
    /// The prompt or a picture becomes a condition.
    case encode
    case denoise
    /// Latents become pixels.
    case decode
    /// A picture gets more pixels.
    case upscale
    /// Tokens are chosen one after the other.
    case generate
    /// Pixels become a file.
    case write
}

/// The arithmetic of a model; left out, the worker takes the fastest that the CPU and the checkpoint allow.
package enum Precision: String, Codable, Sendable, CaseIterable {
    case f32, bf16, int8
}

/// Whose random numbers the latents repeat for a seed.
package enum RandomSource: String, Codable, Sendable, CaseIterable {
    /// `torch.randn` on a CPU.
    case torch
    /// `torch.randn` on a GPU.
    case philox
}

/// The format of a picture's file.
package enum ImageFormat: String, Codable, Sendable, CaseIterable {
    case png, jpeg, webp

    package var fileExtension: String {
        switch self {
        case .png: "png"
        case .jpeg: "jpg"
        case .webp: "webp"
        }
    }

    package var mediaType: String { "image/\(rawValue)" }
}

/// How much of the recipe an output file carries.
package enum MetadataLevel: String, Codable, Sendable, CaseIterable {
    case full, minimal, none
}

/// What happens to a prompt that is longer than the text encoder's context.
package enum TruncationPolicy: String, Codable, Sendable, CaseIterable {
    case warn, error
}

/// How prompts are read.
package enum PromptSyntax: String, Codable, Sendable, CaseIterable {
    /// Every character is text.
    case plain
    /// As AUTOMATIC1111 reads them: weights, changes on the way, and as many contexts as the text takes.
    case weighted
}

/// How a picture of other proportions comes to a size.
package enum SizeFit: String, Codable, Sendable, CaseIterable {
    /// Each side by itself.
    case stretch
    /// All of the size is covered; what stands out at two sides is cut off.
    case crop
    /// All of the picture is there; its outermost pixels go on to two sides.
    case pad
}

/// What a diffusion network predicts, in the words of `prediction_type`.
package enum Prediction: String, Codable, Sendable, CaseIterable {
    case epsilon
    case velocity = "v_prediction"
    case sample
}

/// Which timesteps a number of steps takes, in the words of `timestep_spacing`.
package enum TimestepSpacing: String, Codable, Sendable, CaseIterable {
    case linspace, leading, trailing
}

/// What stands under a mask before it is repainted.
package enum MaskedContent: String, Codable, Sendable, CaseIterable {
    /// What the picture shows there.
    case original
    /// The colours around it, grown over it.
    case fill
    /// Noise.
    case noise
}

/// Whose pixels a repainted picture has where its mask is black.
package enum UnmaskedPixels: String, Codable, Sendable, CaseIterable {
    /// The source's own, to the bit.
    case input
    /// What the model makes of them.
    case model
}
