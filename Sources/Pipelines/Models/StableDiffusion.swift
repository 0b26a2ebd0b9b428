// Stable Diffusion 1.x, 2.x and XL: which parts they have and what is special about each.
//
// Reference  diffusers `StableDiffusionPipeline`, `StableDiffusionXLPipeline`, `LatentConsistencyModelPipeline`

import Checkpoints
import Models
import Schedulers
import Tensor
import Tokenizers
import Vocabulary

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
        var model = try stableDiffusion(
            files, precision, family: "latent-consistency", clipPrompts(files, catalog, precision), steps: 4,
            guidance: 8.5, aligned: .sd1)
        guard try files.config(.denoiser).optionalInt("time_cond_proj_dim") != nil else {
            throw PipelineError.part(
                path: files.folder(.denoiser) + "/config.json", fact: "it has no time_cond_proj_dim",
                remedy: "use a consistency model's UNet, or name StableDiffusionPipeline in model_index.json")
        }
        model.guidance = .embedded
        return model
    }

    /// A Stable Diffusion XL or XL Turbo.
    static func stableDiffusionXL(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> TextToImage {
        guard files.isSingleFile || files.className(of: .text(0)) != nil else {
            throw PipelineError.part(
                path: files.path, fact: "it is an SDXL refiner, which lacks the first text encoder",
                remedy: "use the base model")
        }
        let encoder = CLIPPairPromptEncoder(
            first: try CLIPPart(files, 0, catalog, precision), second: try CLIPPart(files, 1, catalog, precision),
            zeroesEmptyNegative: try files.flag("force_zeros_for_empty_prompt", default: true))
        return try stableDiffusion(
            files, precision, family: "stable-diffusion-xl", encoder, steps: 20, guidance: 5,
            aligned: .sdxl)
    }

    private static func clipPrompts(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> CLIPPromptEncoder {
        // No Stable Diffusion was trained with padding hidden.
        try files.config(.text(0)).requireFalse("use_attention_mask")
        return CLIPPromptEncoder(part: try CLIPPart(files, 0, catalog, precision))
    }

    private static func stableDiffusion(
        _ files: ModelFiles, _ precision: Precision, family: String, _ encoder: any PromptEncoder, steps: Int,
        guidance: Double, aligned: AlignedModel, correctsScheduler: Bool = false
    ) throws -> TextToImage {
        let config = try UNet2DConditionModel.Configuration(files.config(.denoiser))
        // A UNet that is told the scale needs no negative branch, whatever pipeline saved it.
        let rule: GuidanceRule = config.guidanceWidth == nil ? .classifierFree : .embedded
        let codec = try latentCodec(files, precision)
        var sample = config.sampleSize ?? 64
        if correctsScheduler { sample = try files.config(.denoiser).correctedSampleSize(sample) }
        let side = sample * codec.factor
        let (source, form) = try shown(files, config, codec)
        let isInstructed = if case .instructed = form { true } else { false }
        var model = TextToImage(
            family: family, precision: precision, files: files,
            defaults: Defaults(width: side, height: side, steps: steps, guidance: guidance),
            scheduler: try files.scheduler,
            encoder: encoder,
            denoiser: UNetDenoiser(
                configuration: config, unet: try unet(files, precision, config), source: source,
                // Original height and width, offset of the crop, target height and width: no crop of a picture of its size.
                timeIDs: { size in
                    let (height, width) = (Float(size.height), Float(size.width))
                    return [height, width, 0, 0, height, width]
                }),
            codec: codec, guidance: rule, correctsScheduler: correctsScheduler && !isInstructed, aligned: aligned,
            form: form, editing: isInstructed ? TextToImage.Editing(imageGuidance: 1.5) : nil)
        model.latentScale = aligned == .sdxl ? 0.13025 : 0.18215
        return model
    }

    /// What the UNet is shown beside the latents, as the number of its channels tells.
    private static func shown(
        _ files: ModelFiles, _ config: UNet2DConditionModel.Configuration, _ codec: any LatentCodec
    ) throws -> (UNetDenoiser.Source, EncodedSource.Form) {
        switch config.inputs - codec.channels {
        case codec.channels:
            // CosXL's latents are scaled; those of the others stand as the encoder leaves them.
            return (.channels, .instructed(scaled: try files.flag("is_cosxl_edit", default: false)))
        case codec.channels + 1: return (.masked, .masked)
        default: return (.none, .blended)
        }
    }

    /// The UNet of a model.
    static func unet(
        _ files: ModelFiles, _ precision: Precision, _ config: UNet2DConditionModel.Configuration
    ) throws -> Part<UNet2DConditionModel> {
        try files.part(.denoiser, precision) { weights in
            let unet = try UNet2DConditionModel(weights, config)
            try weights.requireAllTaken()
            return unet
        }
    }

    /// The decoder of the model's autoencoder, large or tiny. The reference divides latents by `scaling_factor` and, other
    /// than later pipelines, never adds `shift_factor`.
    static func latentCodec(_ files: some AutoencoderSource, _ precision: Precision) throws -> any LatentCodec {
        if files.className(of: .autoencoder) == "AutoencoderTiny" {
            return try TinyLatentCodec(files, precision, shifts: false)
        }
        var config = try AutoencoderKL.Configuration(files.config(.autoencoder))
        config.shift = 0
        return try VariationalLatentCodec(files, precision, config)
    }
}

extension ConfigObject {
    /// As diffusers' Stable Diffusion pipeline reads `sample_size`: files of versions before 0.9 say 32 and mean 64.
    fileprivate func correctedSampleSize(_ size: Int) throws(ConfigError) -> Int {
        guard size < 64, has("sample_size"), (try? int("sample_size")) != nil,
            let version = try optionalString("_diffusers_version")
        else { return size }
        let numbers = version.split(separator: ".").prefix(2).map { Int($0) }
        guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else { return size }
        return (major, minor) < (0, 9) ? 64 : size
    }
}
