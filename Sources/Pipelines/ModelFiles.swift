package import Checkpoints
package import Tensor

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Where the parts of a model come from: configuration and weights by the names that diffusers gives the parts
/// ("unet", "vae", "text_encoder" …), whether they lie in folders or in one file of the original layout.
package struct ModelFiles: Sendable {
    private enum Layout {
        case folder(index: ConfigObject)
        case original(OriginalCheckpoint)
    }

    /// The folder or file.
    package let path: String
    private let layout: Layout

    /// Opens a folder with a `model_index.json`, or a single safetensors file.
    package init(_ path: String) throws {
        self.path = path
        if access(path + "/model_index.json", F_OK) == 0 {
            layout = .folder(index: try ConfigObject(path: path + "/model_index.json"))
            return
        }
        guard let original = try OriginalCheckpoint(CheckpointStore(path: path)) else {
            throw PipelineError.unsupportedModel(path: path, kind: "checkpoint of an unknown architecture")
        }
        guard original.unclaimed.isEmpty else { throw WeightError.unused(original.unclaimed) }
        layout = .original(original)
    }

    /// Whether all parts lie in one file, which then has no tokenizer.
    package var isSingleFile: Bool {
        if case .original = layout { true } else { false }
    }

    /// The class that saved the model, such as "StableDiffusionPipeline".
    package var className: String {
        get throws {
            switch layout {
            case .folder(let index): try index.string("_class_name")
            case .original(let file): file.kind == .sdxl ? "StableDiffusionXLPipeline" : "StableDiffusionPipeline"
            }
        }
    }

    /// A flag of `model_index.json`, or `standard` where there is none.
    package func flag(_ key: String, default standard: Bool) throws -> Bool {
        guard case .folder(let index) = layout else { return standard }
        return try index.bool(key, default: standard)
    }

    /// The class of a part as the index names it, such as "EulerDiscreteScheduler"; nil when the part is absent.
    package func className(of part: String) -> String? {
        switch layout {
        case .folder(let index):
            guard let pair = try? index.optionalStrings(part), pair.count == 2 else { return nil }
            return pair[1]
        case .original: return try? config(part).optionalString("_class_name")
        }
    }

    /// The configuration of a part: `config.json`, or `scheduler_config.json` for "scheduler".
    package func config(_ part: String) throws -> ConfigObject {
        switch layout {
        case .folder:
            return try ConfigObject(
                path: "\(path)/\(part)/\(part == "scheduler" ? "scheduler_config.json" : "config.json")")
        case .original(let file):
            switch part {
            case "unet": return file.unetConfig
            case "vae": return file.vaeConfig
            case "text_encoder": return file.textEncoderConfig
            case "scheduler": return file.schedulerConfig
            case "text_encoder_2":
                if let config = file.textEncoder2Config { return config }
                fallthrough
            default: throw missing(part)
            }
        }
    }

    /// Weights of a part, computing in `precision`.
    package func weights(_ part: String, _ precision: Precision) throws -> Weights {
        switch layout {
        case .folder: return Weights(try CheckpointStore(path: "\(path)/\(part)"), precision)
        case .original(let file):
            let store: CheckpointStore
            switch part {
            case "unet": store = file.unet
            case "vae": store = file.vae
            case "text_encoder": store = file.textEncoder
            case "text_encoder_2": store = file.textEncoder2
            default: throw missing(part)
            }
            guard store.count > 0 else { throw missing(part) }
            return Weights(store, precision)
        }
    }

    /// Contents of a file of a part; nil when the layout or the folder has none.
    package func file(_ part: String, _ name: String) throws -> [UInt8]? {
        guard case .folder = layout else { return nil }
        let path = "\(path)/\(part)/\(name)"
        guard access(path, F_OK) == 0 else { return nil }
        return Array(try MappedFile(path: path).bytes)
    }

    private func missing(_ part: String) -> PipelineError {
        .part(path: path, fact: "it has no \(part)", remedy: "use a checkpoint with all parts")
    }
}
