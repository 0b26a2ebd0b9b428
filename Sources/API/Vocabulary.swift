// The words of the protocol: each enumeration is a closed list that both sides print and read.

/// What a job does. Only `generate` is carried out in this version.
package enum JobKind: String, Codable, Sendable, CaseIterable {
    case generate, edit, caption, ask, chat, upscale
}

/// The parts of a generation, in the order in which they happen.
package enum Stage: String, Codable, Sendable, CaseIterable {
    /// Weights are read.
    case load
    /// The prompt becomes a condition.
    case encode
    case denoise
    /// Latents become pixels.
    case decode
    /// Pixels become a file.
    case write
}

/// The arithmetic of a generation; left out, the worker takes the fastest that the CPU and the checkpoint allow.
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

/// The format of an output file.
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
