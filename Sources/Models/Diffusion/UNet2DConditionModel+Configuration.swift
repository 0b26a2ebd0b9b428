package import Checkpoints
import Tensor

extension UNet2DConditionModel {
    /// `config.json` of a `UNet2DConditionModel`.
    package struct Configuration: Sendable {
        /// Channels of the latents that go in, and of the output.
        package let inputs, outputs: Int
        /// Edge of the latents that the model was made for, where the file tells.
        package let sampleSize: Int?
        /// What `condition` expects beside the text.
        package let addition: Addition
        /// Width of the text that `condition` takes.
        package var textWidth: Int { text?.width ?? contextWidth }

        let widths, layers, heads: [Int]
        /// Width of the text that the attentions read.
        let contextWidth: Int
        /// Blocks in each transformer of each level, on the way down from the top and on the way up from the bottom.
        let downDepths, upDepths: [[Int]]
        let down, up: [Level]
        let mid: Mid?
        let midLayers: Int
        let midDivisor: Float
        let text: Text?
        /// Resnet blocks; `resnetBesideAttention` those of levels with transformers.
        let resnet, resnetBesideAttention: ResnetBlock.Style
        let attention: SpatialTransformer.Style
        let activation: Activation
        let timeActivation: Activation?
        let timeWidth, inputKernel, outputKernel: Int
        /// Width of the vector in which the network is told the scale of guidance; nil where it is not.
        package let guidanceWidth: Int?
        let cosineFirst, centresInput: Bool
        let frequencyShift: Float

        /// Numbers and vectors embedded and added to the embedding of the timestep.
        package enum Addition: Sendable, Equatable {
            case none
            /// `width` numbers' sinusoids of `each` elements, `width` in all.
            case time(each: Int, width: Int)
            /// A pooled text vector, then sinusoids of `each` elements, `width` in all.
            case textAndTime(each: Int, width: Int)

            /// Elements of the whole vector; nil without one.
            package var width: Int? {
                switch self {
                case .none: nil
                case .time(_, let width), .textAndTime(_, let width): width
                }
            }

            var each: Int {
                switch self {
                case .none: 0
                case .time(let each, _), .textAndTime(let each, _): each
                }
            }

            /// Width of the pooled vector beside `count` numbers; nil when the model takes none.
            package func pooledWidth(besideNumbers count: Int) -> Int? {
                guard case .textAndTime(let each, let width) = self else { return nil }
                return width - count * each
            }
        }

        enum Level: Sendable { case plain, attention, textAttention }

        enum Mid: Sendable { case plain, attention }

        enum Text: Sendable {
            case linear(Int)
            case normalised(Int)

            var width: Int {
                switch self {
                case .linear(let width), .normalised(let width): width
                }
            }
        }

        func sinusoids(_ width: Int) -> Sinusoids {
            Sinusoids(width: width, cosineFirst: cosineFirst, frequencyShift: frequencyShift)
        }

        func resnet(_ kind: Level) -> ResnetBlock.Style { kind == .plain ? resnet : resnetBesideAttention }

        /// Transformers of `level`; nil where it has none.
        func attention(_ kind: Level, level: Int) -> SpatialTransformer.Style? {
            guard kind != .plain else { return nil }
            var style = attention
            style.heads = heads[level]
            if kind == .textAttention { style.selfAttention = .absent }
            return style
        }

        package init(_ json: ConfigObject) throws(ConfigError) { try self.init(json, .base) }

        init(_ json: ConfigObject, _ dialect: Dialect) throws(ConfigError) {
            let downNames = try json.optionalStrings("down_block_types") ?? dialect.downNames
            let upNames = try json.optionalStrings("up_block_types") ?? dialect.upNames
            down = try json.cases("down_block_types", downNames, dialect.down)
            up = try json.cases("up_block_types", upNames, dialect.up)
            let widths = try json.optionalInts("block_out_channels", in: 1...65536) ?? dialect.widths
            self.widths = widths
            let levels = widths.count
            try json.requireLevels("down_block_types", Array(down.indices), "block_out_channels", widths)
            try json.requireLevels("up_block_types", Array(up.indices), "block_out_channels", widths)
            layers = try json.ints("layers_per_block", count: levels, default: 2, in: 1...1024)
            (downDepths, upDepths) = try json.depths(layers)
            // diffusers calls the number of heads `attention_head_dim`, and forbids `num_attention_heads`.
            heads = try json.ints("attention_head_dim", count: levels, default: dialect.heads, in: 1...65536)
            contextWidth = try json.contextWidth(levels: levels, default: dialect.contextWidth)
            mid = try json.middle(dialect)
            midLayers = try dialect.midLayers(json)
            midDivisor = try json.positive("mid_block_scale_factor", default: 1)

            inputs = try json.int("in_channels", default: 4, in: 1...65536)
            outputs = try json.int("out_channels", default: 4, in: 1...65536)
            // One edge, or height and width.
            sampleSize = json.has("sample_size") ? try json.ints("sample_size", count: 2, in: 1...8192)[1] : nil
            inputKernel = try json.kernel("conv_in_kernel")
            outputKernel = try json.kernel("conv_out_kernel")
            centresInput = try json.bool("center_input_sample", default: false)
            activation = try json.activation("act_fn", default: .silu)
            timeActivation =
                json.has("time_embedding_act_fn") ? try json.activation("time_embedding_act_fn", default: .silu) : nil
            timeWidth = try json.int("time_embedding_dim", default: 4 * widths[0], in: 1...1_048_576)
            guidanceWidth = try json.optionalInt("time_cond_proj_dim", in: 4...65536)
            cosineFirst = try json.bool("flip_sin_to_cos", default: true)
            frequencyShift = try json.float("freq_shift", default: 0)
            text = try json.textProjection(dialect)
            addition = try json.addition(dialect)

            let groups = try json.int("norm_num_groups", default: 32, in: 1...65536)
            try json.require("resnet_time_scale_shift", oneOf: "default", "scale_shift")
            var resnet = ResnetBlock.Style(
                timeWidth: timeWidth, groups: groups, epsilon: try json.positive("norm_eps", default: 1e-5),
                activation: activation)
            resnet.modulates = try json.optionalString("resnet_time_scale_shift") == "scale_shift"
            var attention = SpatialTransformer.Style(
                heads: 0, depth: 0, groups: groups,
                hasLinearProjections: try json.bool("use_linear_projection", default: false),
                contextWidth: contextWidth)
            if try json.bool("only_cross_attention", default: false) { attention.selfAttention = .text }
            try dialect.refine(&resnet, &attention, json)
            self.resnet = resnet
            if !dialect.modulatesBesideAttention { resnet.modulates = false }
            resnetBesideAttention = resnet
            self.attention = attention
            try Self.refuseUnknown(json)
        }

        /// Parts of the class that none of the supported families uses.
        private static func refuseUnknown(_ json: ConfigObject) throws(ConfigError) {
            try json.requireAbsent(
                "num_attention_heads", "class_embed_type", "num_class_embeds", "timestep_post_act",
                "cross_attention_norm")
            try json.require("time_embedding_type", oneOf: "positional")
            try json.require("attention_type", oneOf: "default")
            try json.requireFalse("dual_cross_attention", "class_embeddings_concat")
            _ = try json.int("downsample_padding", default: 1, in: 1...1)
        }

        /// Where classes of one build differ: their defaults, the names of their blocks, and what they add.
        struct Dialect: Sendable {
            var downNames, upNames: [String]
            var widths: [Int]
            var heads, contextWidth: Int
            var midName: String
            var down, up: [String: Level]
            var mid: [String: Mid]
            var texts: [String]
            var additions: [String]
            /// Whether `resnet_time_scale_shift` reaches the levels that have transformers.
            var modulatesBesideAttention: Bool
            var midLayers: @Sendable (ConfigObject) throws(ConfigError) -> Int
            var refine:
                @Sendable (
                    inout ResnetBlock.Style, inout SpatialTransformer.Style, ConfigObject
                ) throws(ConfigError) -> Void

            static let base = Dialect(
                downNames: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
                upNames: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
                widths: [320, 640, 1280, 1280], heads: 8, contextWidth: 1280, midName: "UNetMidBlock2DCrossAttn",
                down: ["DownBlock2D": .plain, "CrossAttnDownBlock2D": .attention],
                up: ["UpBlock2D": .plain, "CrossAttnUpBlock2D": .attention],
                mid: ["UNetMidBlock2DCrossAttn": .attention, "UNetMidBlock2D": .plain],
                texts: ["text_proj"], additions: ["text_time"], modulatesBesideAttention: true, midLayers: { _ in 1 },
                refine: { _, _, _ in })
        }
    }
}

extension ConfigObject {
    fileprivate typealias Unet = UNet2DConditionModel.Configuration

    fileprivate func cases<T>(_ key: String, _ names: [String], _ known: [String: T]) throws(ConfigError) -> [T] {
        var cases: [T] = []
        for name in names {
            guard let value = known[name] else {
                throw .value(file: file, key: key, found: name, known: known.keys.sorted())
            }
            cases.append(value)
        }
        return cases
    }

    /// Edge of a convolution that keeps the size of what it reads, which an even one does not.
    fileprivate func kernel(_ key: String) throws(ConfigError) -> Int {
        let edge = try int(key, default: 3, in: 1...15)
        guard edge % 2 == 1 else { throw .type(file: file, key: key, expected: "an odd number", found: "\(edge)") }
        return edge
    }

    /// `transformer_layers_per_block` for levels of `layers` resnet blocks on the way down and one more on the way up.
    fileprivate func depths(_ layers: [Int]) throws(ConfigError) -> (down: [[Int]], up: [[Int]]) {
        let (key, reverse) = ("transformer_layers_per_block", "reverse_transformer_layers_per_block")
        let counts = layers.reversed().map { $0 + 1 }
        let down = try intLists(key, counts: layers, default: 1, in: 0...1024)
        guard !has(reverse) else { return (down, try intLists(reverse, counts: counts, in: 0...1024)) }
        // Without the second key, one number serves a level both ways.
        let mirrored = try ints(key, count: layers.count, default: 1, in: 0...1024).reversed()
        return (down, zip(mirrored, counts).map { [Int](repeating: $0, count: $1) })
    }

    /// One width for all levels: that of the one text there is.
    fileprivate func contextWidth(levels: Int, default standard: Int) throws(ConfigError) -> Int {
        let widths = try ints("cross_attention_dim", count: levels, default: standard, in: 1...65536)
        guard let width = widths.first, widths.allSatisfy({ $0 == width }) else {
            throw .type(file: file, key: "cross_attention_dim", expected: "one width", found: "\(widths)")
        }
        return width
    }

    /// The block at the bottom; a file that gives null has none.
    fileprivate func middle(_ dialect: Unet.Dialect) throws(ConfigError) -> Unet.Mid? {
        if keys.contains("mid_block_type") && !has("mid_block_type") { return nil }
        return try cases("mid_block_type", [try string("mid_block_type", default: dialect.midName)], dialect.mid)[0]
    }

    fileprivate func textProjection(_ dialect: Unet.Dialect) throws(ConfigError) -> Unet.Text? {
        guard let width = try optionalInt("encoder_hid_dim", in: 1...65536) else {
            try requireAbsent("encoder_hid_dim_type")
            return nil
        }
        let kind = try string("encoder_hid_dim_type", default: "text_proj")
        guard dialect.texts.contains(kind) else {
            throw .value(file: file, key: "encoder_hid_dim_type", found: kind, known: dialect.texts)
        }
        return kind == "text_proj" ? .linear(width) : .normalised(width)
    }

    fileprivate func addition(_ dialect: Unet.Dialect) throws(ConfigError) -> Unet.Addition {
        guard let kind = try optionalString("addition_embed_type") else { return .none }
        guard dialect.additions.contains(kind) else {
            throw .value(file: file, key: "addition_embed_type", found: kind, known: dialect.additions)
        }
        let each = try int("addition_time_embed_dim", in: 1...65536)
        let width = try int("projection_class_embeddings_input_dim", in: 1...1_048_576)
        return kind == "time" ? .time(each: each, width: width) : .textAndTime(each: each, width: width)
    }
}
