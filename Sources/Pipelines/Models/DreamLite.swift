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
        let text = try Llama.Configuration(qwen3VL: files.config(.text(0)))
        return TextToImage(
            family: "dreamlite", precision: precision, files: files,
            defaults: Defaults(width: 1024, height: 1024, steps: 30, guidance: 3.5),
            scheduler: try files.scheduler,
            encoder: DecoderPromptEncoder(
                decoder: try files.part(.text(0), precision) { weights in
                    try Llama(weights, text, hasHead: false)
                },
                tokenizer: try files.tokenizer(0), place: files.folder(.tokenizer(0)),
                depth: .hiddenState(text.depth), template: .dreamLiteGenerate),
            denoiser: try dreamLiteUNet(
                files, precision, source: .beside, timeIDs: { [Float($0.width), Float($0.height)] }),
            codec: try TinyLatentCodec(files, precision), guidance: .always)
    }

    /// DreamLite's network with its source where `source` says.
    static func dreamLiteUNet(
        _ files: ModelFiles, _ precision: Precision, source: UNetDenoiser.Source,
        timeIDs: @escaping @Sendable (PixelSize) -> [Float]
    ) throws -> UNetDenoiser {
        let config = try UNet2DConditionModel.Configuration(dreamLite: files.config(.denoiser))
        return UNetDenoiser(
            configuration: config, unet: try unet(files, precision, config), source: source, timeIDs: timeIDs)
    }
}

extension DecoderPromptEncoder.Template {
    static let dreamLiteGenerate = Self(
        before: "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, "
            + "spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n",
        after: "<|im_end|>\n<|im_start|>assistant\n", task: "[Generate]: ", dropped: 34, limit: 200 + 34,
        strips: false, negativeHasTask: false)
}
