// Stable Diffusion 1.x, 2.x and XL: which parts they have and what is special about each.
//
// Reference  diffusers `StableDiffusionPipeline`, `StableDiffusionXLPipeline`, `LatentConsistencyModelPipeline`

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
        try stableDiffusion(
            files, precision, family: "stable-diffusion", clipPrompts(files, catalog, precision), steps: 20,
            guidance: 7.5, aligned: .sd1, correctsScheduler: true)
    }

    /// A Stable Diffusion 1.x distilled to few steps, which is told the scale of guidance.
    static func latentConsistency(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> TextToImage {
        let model = try stableDiffusion(
            files, precision, family: "latent-consistency", clipPrompts(files, catalog, precision), steps: 4,
            guidance: 8.5, aligned: .sd1)
        guard model.denoiser.embedsGuidance else {
            throw PipelineError.part(
                path: files.path + "/unet/config.json", fact: "it has no time_cond_proj_dim",
                remedy: "use a consistency model's UNet, or name StableDiffusionPipeline in model_index.json")
        }
        return model
    }

    /// A Stable Diffusion XL or XL Turbo.
    static func stableDiffusionXL(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> TextToImage {
        let encoder = CLIPPairPromptEncoder(
            first: try CLIPPart(files, "text_encoder", "tokenizer", catalog, precision),
            second: try CLIPPart(files, "text_encoder_2", "tokenizer_2", catalog, precision),
            zeroesEmptyNegative: try files.flag("force_zeros_for_empty_prompt", default: true))
        return try stableDiffusion(
            files, precision, family: "stable-diffusion-xl", encoder, steps: 20, guidance: 5,
            aligned: .sdxl)
    }

    private static func clipPrompts(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> CLIPPromptEncoder {
        // No Stable Diffusion was trained with padding hidden.
        try files.config("text_encoder").requireFalse("use_attention_mask")
        return CLIPPromptEncoder(part: try CLIPPart(files, "text_encoder", "tokenizer", catalog, precision))
    }

    private static func stableDiffusion(
        _ files: ModelFiles, _ precision: Precision, family: String, _ encoder: any PromptEncoder, steps: Int,
        guidance: Double, aligned: AlignedModel, correctsScheduler: Bool = false
    ) throws -> TextToImage {
        let unetWeights = try files.weights("unet", precision)
        let unet = try UNet2DConditionModel(unetWeights, UNet2DConditionModel.Configuration(files.config("unet")))
        try unetWeights.requireAllTaken()
        let (decoder, latents) = try latentDecoder(files, precision)
        let side = (unet.configuration.sampleSize ?? 64) * latents.factor
        return TextToImage(
            family: family,
            defaults: Defaults(width: side, height: side, steps: steps, guidance: guidance),
            scheduler: try files.scheduler,
            encoder: encoder,
            denoiser: UNetDenoiser(
                unet: unet, source: .none,
                // Original height and width, offset of the crop, target height and width: no crop of a picture of its size.
                timeIDs: { size in
                    let (height, width) = (Float(size.height), Float(size.width))
                    return [height, width, 0, 0, height, width]
                }),
            decoder: decoder, latents: latents, correctsScheduler: correctsScheduler,
            aligned: aligned)
    }

    /// The decoder of the model's autoencoder, large or tiny. The reference divides latents by `scaling_factor` and, other
    /// than later pipelines, never adds `shift_factor`.
    private static func latentDecoder(
        _ files: ModelFiles, _ precision: Precision
    ) throws -> (any LatentDecoder, LatentSpace) {
        if files.className(of: "vae") == "AutoencoderTiny" {
            let vae = try tinyAutoencoder(files, precision, shifts: false)
            return (vae, LatentSpace(channels: vae.configuration.latents, factor: vae.configuration.factor))
        }
        let weights = try files.weights("vae", precision)
        var config = try AutoencoderKL.Configuration(files.config("vae"))
        config.shift = 0
        let vae = try AutoencoderKL(weights, config, halves: [.decoder])
        try weights.requireAllTaken(ignoring: "encoder.", "quant_conv.")
        return (vae, LatentSpace(channels: config.latents, factor: config.factor))
    }
}
