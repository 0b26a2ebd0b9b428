// DreamLite's denoiser: the UNet of SDXL made small, drawing and editing with one set of weights.
//
// Paper    DreamLite, https://arxiv.org/abs/2603.28713
// Weights  diffusers `DreamLiteUNetModel`
// Golden   Tests/Goldens/models/dreamlite*
//
// The build is that of `UNet2DConditionModel`. What differs is data: depthwise-separable convolutions, one head of keys
// for all heads of queries, RMSNorm on both, a wider feed-forward part, levels without self-attention, a norm after the
// projection of the text, and the picture's size beside the timestep. In its own checkpoints the picture that an edit
// starts from stands to the right of the noisy one; networks made for it on the channel axis differ in `in_channels`.

package import Checkpoints

extension UNet2DConditionModel.Configuration {
    /// `config.json` of a `DreamLiteUNetModel`, with that class's defaults.
    package init(dreamLite json: ConfigObject) throws(ConfigError) { try self.init(json, .dreamLite) }
}

extension UNet2DConditionModel.Configuration.Dialect {
    static let dreamLite = Self(
        downNames: [
            "DreamLiteCrossAttnNoSelfAttnDownBlock2D", "DreamLiteCrossAttnNoSelfAttnDownBlock2D",
            "DreamLiteCrossAttnDownBlock2D",
        ],
        upNames: ["DreamLiteCrossAttnUpBlock2D", "DreamLiteCrossAttnNoSelfAttnUpBlock2D", "DreamLiteUpBlock2D"],
        widths: [320, 640, 1280], heads: 64, contextWidth: 2048, midName: "DreamLiteUNetMidBlock2DCrossAttn",
        down: [
            "DreamLiteDownBlock2D": .plain, "DownBlock2D": .plain,
            "DreamLiteCrossAttnDownBlock2D": .attention, "CrossAttnDownBlock2D": .attention,
            "DreamLiteCrossAttnNoSelfAttnDownBlock2D": .textAttention,
            "CrossAttnDownRemoveSelfAttnBlock2D": .textAttention,
        ],
        up: [
            "DreamLiteUpBlock2D": .plain, "UpBlock2D": .plain,
            "DreamLiteCrossAttnUpBlock2D": .attention, "CrossAttnUpBlock2D": .attention,
            "DreamLiteCrossAttnNoSelfAttnUpBlock2D": .textAttention,
            "CrossAttnUpRemoveSelfAttnBlock2D": .textAttention,
            "CrossAttnUpRemoveSelfAttnBlock2DV1": .textAttention,
        ],
        mid: ["DreamLiteUNetMidBlock2DCrossAttn": .attention, "UNetMidBlock2DCrossAttn": .attention],
        texts: ["text_proj", "text_proj_rms"], additions: ["text_time", "time"], modulatesBesideAttention: false,
        midLayers: { json throws(ConfigError) in try json.int("num_mid_layers", default: 1, in: 0...64) },
        refine: { resnet, attention, json throws(ConfigError) in
            // Its first attention reads the padding of the text, which branches that run by themselves have not.
            try json.requireFalse("only_cross_attention")
            resnet.isSeparable = try json.bool("use_sep_conv", default: true)
            attention.expansion = try json.int("ff_mult", default: 6, in: 1...64)
            // Absent means the class's default; null means none.
            attention.keyHeads =
                json.keys.contains("num_kv_heads") ? try json.optionalInt("num_kv_heads", in: 1...65536) : 1
            try json.require("qk_norm", oneOf: "rms_norm")
            attention.normalisesQueries = !json.keys.contains("qk_norm") || json.has("qk_norm")
        })
}
