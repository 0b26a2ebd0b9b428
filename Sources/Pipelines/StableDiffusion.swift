// Stable Diffusion 1.x, 2.x and XL: which parts they have and what is special about each.
//
// Reference  diffusers `StableDiffusionPipeline`, `StableDiffusionXLPipeline`

import Checkpoints
import Models
import Schedulers
import Tensor
import Tokenizers

extension TextToImage {
    /// A Stable Diffusion 1.x or 2.x.
    static func stableDiffusion(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> TextToImage {
        let encoder = CLIPPromptEncoder(part: try CLIPPart(files, "text_encoder", "tokenizer", catalog, precision))
        return try stableDiffusion(
            files, precision, family: "stable-diffusion", encoder, guidance: 7.5, correctsScheduler: true)
    }

    /// A Stable Diffusion XL or XL Turbo.
    static func stableDiffusionXL(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> TextToImage {
        let encoder = CLIPPairPromptEncoder(
            first: try CLIPPart(files, "text_encoder", "tokenizer", catalog, precision),
            second: try CLIPPart(files, "text_encoder_2", "tokenizer_2", catalog, precision),
            zeroesEmptyNegative: try files.flag("force_zeros_for_empty_prompt", default: true))
        return try stableDiffusion(files, precision, family: "stable-diffusion-xl", encoder, guidance: 5)
    }

    private static func stableDiffusion(
        _ files: ModelFiles, _ precision: Precision, family: String, _ encoder: any PromptEncoder, guidance: Double,
        correctsScheduler: Bool = false
    ) throws -> TextToImage {
        let unetWeights = try files.weights("unet", precision)
        let unet = try UNet2DConditionModel(unetWeights, UNet2DConditionModel.Configuration(files.config("unet")))
        try unetWeights.requireAllTaken()
        let vaeWeights = try files.weights("vae", precision)
        let vae = try AutoencoderKL(
            vaeWeights, AutoencoderKL.Configuration(files.config("vae")), halves: [.decoder])
        try vaeWeights.requireAllTaken(ignoring: "encoder.", "quant_conv.")
        let side = (unet.configuration.sampleSize ?? 64) * vae.configuration.factor
        return TextToImage(
            family: family,
            defaults: Defaults(width: side, height: side, steps: 20, guidance: guidance),
            scheduler: try files.scheduler,
            encoder: encoder,
            denoiser: UNetDenoiser(
                unet: unet, source: .none,
                // Original height and width, offset of the crop, target height and width: no crop of a picture of its size.
                timeIDs: { size in
                    let (height, width) = (Float(size.height), Float(size.width))
                    return [height, width, 0, 0, height, width]
                }),
            decoder: vae,
            latents: LatentSpace(channels: vae.configuration.latents, factor: vae.configuration.factor),
            correctsScheduler: correctsScheduler)
    }
}
