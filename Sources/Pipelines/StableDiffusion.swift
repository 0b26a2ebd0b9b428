// Stable Diffusion 1.x, 2.x and XL: which parts they have and how a prompt conditions them.
//
// Reference  diffusers `StableDiffusionPipeline`, `StableDiffusionXLPipeline`

import Checkpoints
import Models
import Schedulers
import Tensor
import Tokenizers

extension TextToImage {
    /// A Stable Diffusion 1.x or 2.x.
    static func stableDiffusion(_ files: ModelFiles, _ precision: Precision) throws -> TextToImage {
        let text = try CLIPPart(files, "text_encoder", "tokenizer", precision)
        return try diffusion(files, precision, family: "stable-diffusion", CLIPPromptEncoder(text: text))
    }

    /// A Stable Diffusion XL or XL Turbo.
    static func stableDiffusionXL(_ files: ModelFiles, _ precision: Precision) throws -> TextToImage {
        let encoder = CLIPPairPromptEncoder(
            first: try CLIPPart(files, "text_encoder", "tokenizer", precision),
            second: try CLIPPart(files, "text_encoder_2", "tokenizer_2", precision),
            zeroesEmptyNegative: try files.flag("force_zeros_for_empty_prompt", default: true))
        return try diffusion(files, precision, family: "stable-diffusion-xl", encoder)
    }
}
