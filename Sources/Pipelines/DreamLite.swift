// DreamLite: one small UNet beside a vision-language model whose text side conditions it.
//
// Paper      DreamLite, https://arxiv.org/abs/2603.28713
// Reference  diffusers `DreamLitePipeline`, its generate mode

import Checkpoints
import Models
import Tensor
import Tokenizers

extension TextToImage {
    static func dreamLite(_ files: ModelFiles, _ precision: Precision) throws -> TextToImage {
        let weights = try files.weights("text_encoder", precision)
        let decoder = try Llama(
            weights, Llama.Configuration(qwen3VL: files.config("text_encoder")), hasHead: false)
        let vae = try tinyAutoencoder(files, precision)
        let tokenizer = try files.tokenizer("tokenizer")
        guard tokenizer.vocabularySize <= decoder.configuration.vocabulary else {
            throw PipelineError.part(
                path: files.path + "/tokenizer",
                fact: "it has \(tokenizer.vocabularySize) tokens, the text encoder knows "
                    + "\(decoder.configuration.vocabulary)",
                remedy: "use the tokenizer that belongs to the encoder")
        }
        return TextToImage(
            family: "dreamlite",
            defaults: Defaults(width: 1024, height: 1024, steps: 30, guidance: 3.5),
            scheduler: try files.scheduler,
            encoder: DecoderPromptEncoder(
                decoder: decoder, tokenizer: tokenizer,
                depth: .hiddenState(decoder.configuration.depth), template: .dreamLiteGenerate),
            denoiser: UNetDenoiser(
                unet: try dreamLiteUNet(files, precision), source: .beside,
                timeIDs: { [Float($0.width), Float($0.height)] }),
            decoder: vae,
            latents: LatentSpace(channels: vae.configuration.latents, factor: vae.configuration.factor),
            alwaysGuided: true)
    }

    static func dreamLiteUNet(_ files: ModelFiles, _ precision: Precision) throws -> UNet2DConditionModel {
        let weights = try files.weights("unet", precision)
        let unet = try UNet2DConditionModel(
            weights, UNet2DConditionModel.Configuration(dreamLite: files.config("unet")))
        try weights.requireAllTaken()
        return unet
    }

    /// The tiny autoencoder of a model; without `shifts` its `shift_factor` is left out.
    static func tinyAutoencoder(
        _ files: ModelFiles, _ precision: Precision, shifts: Bool = true
    ) throws -> AutoencoderTiny {
        let weights = try files.weights("vae", precision)
        var config = try AutoencoderTiny.Configuration(files.config("vae"))
        if !shifts { config.shift = 0 }
        let autoencoder = try AutoencoderTiny(weights, config)
        try weights.requireAllTaken()
        return autoencoder
    }
}

extension DecoderPromptEncoder.Template {
    static let dreamLiteGenerate = Self(
        before: "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, "
            + "spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n",
        after: "<|im_end|>\n<|im_start|>assistant\n", task: "[Generate]: ", dropped: 34, limit: 200 + 34,
        strips: false, negativeHasTask: false)
}
