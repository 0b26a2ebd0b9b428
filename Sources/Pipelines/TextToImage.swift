import RandomSources
package import Schedulers
package import Tensor

/// Draws a picture from a prompt: encode the text, denoise latents along a sampler's table, decode.
package struct TextToImage: Sendable {
    /// What a request leaves open.
    package struct Defaults: Sendable, Equatable {
        package var width, height, steps: Int
        package var guidance: Double
    }

    /// The model's family, such as "stable-diffusion-xl".
    package let family: String
    package let defaults: Defaults
    /// The checkpoint's sampler and noise levels.
    package let scheduler: SchedulerConfiguration
    let encoder: any PromptEncoder
    let denoiser: any Denoiser
    let decoder: any LatentDecoder
    let latents: LatentSpace
    /// Whether guidance of 1 or less still evaluates both branches, as DreamLite does.
    let alwaysGuided: Bool

    /// Shape of the space that the denoiser works in.
    package struct LatentSpace: Sendable {
        package var channels: Int
        /// Pixels of one latent along each side.
        package var factor: Int
        /// Pixels that width and height have to be multiples of.
        package var multiple: Int
    }

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
}
