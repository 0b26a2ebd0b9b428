package import Checkpoints
package import Tensor

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A model as its files describe it: which architecture it is, and where its parts lie.
package protocol ModelSource: Sendable {
    /// The folder or file.
    var path: String { get }
    /// The files that were looked at so far.
    var ledger: FileLedger { get }
    var architecture: Architecture { get throws }
}

/// What a model says it is, in the words of those who saved it.
package struct Architecture: Hashable, Sendable {
    package enum Dialect: String, Sendable {
        /// A folder with a `model_index.json`; named after the pipeline's class.
        case diffusers
        /// One file of the original layout; named after the family.
        case original
    }

    package var dialect: Dialect
    package var name: String

    package init(_ dialect: Dialect, _ name: String) {
        self.dialect = dialect
        self.name = name
    }
}

/// A diffusion model: a folder of diffusers, or one safetensors file of the original layout.
package struct ModelFiles: ModelSource {
    private enum Layout {
        case folder(index: ConfigObject)
        case original(OriginalCheckpoint)
    }

    package let path: String
    package let ledger = FileLedger()
    private let layout: Layout

    /// Opens a folder with a `model_index.json`, or a single safetensors file.
    package init(_ path: String) throws {
        self.path = path
        if access(path + "/model_index.json", F_OK) == 0 {
            ledger.note(path + "/model_index.json")
            layout = .folder(index: try ConfigObject(path: path + "/model_index.json"))
            return
        }
        ledger.note(path)
        let store = try CheckpointStore(path: path)
        if let kind = store.otherKind { throw CheckpointError.otherKind(file: path, kind) }
        guard let original = try OriginalCheckpoint(store) else {
            throw PipelineError.unsupportedModel(path: path, kind: "checkpoint of an unknown architecture")
        }
        layout = .original(original)
    }

    /// Whether all parts lie in one file, which then has no tokenizer.
    package var isSingleFile: Bool {
        if case .original = layout { true } else { false }
    }

    /// What about the files a user should know although the model can be used.
    package var warnings: [String] {
        guard case .original(let file) = layout, let first = file.ignored.first else { return [] }
        return [
            "\(file.ignored.count) tensors of the checkpoint belong to no part of the model and are ignored, such as \(first)"
        ]
    }

    package var architecture: Architecture {
        get throws {
            switch layout {
            case .folder(let index): Architecture(.diffusers, try index.string("_class_name"))
            case .original(let file): Architecture(.original, file.kind.rawValue)
            }
        }
    }

    /// A flag of `model_index.json`, or `standard` where there is none.
    package func flag(_ key: String, default standard: Bool) throws -> Bool {
        guard case .folder(let index) = layout else { return standard }
        return try index.bool(key, default: standard)
    }

    /// The class of a part as the index names it, such as "EulerDiscreteScheduler"; nil when the part is absent.
    package func className(of role: Role) -> String? {
        switch layout {
        case .folder(let index):
            guard let pair = try? index.optionalStrings(name(role)), pair.count == 2 else { return nil }
            return pair[1]
        case .original: return try? config(role).optionalString("_class_name")
        }
    }

    /// The configuration of a part.
    package func config(_ role: Role) throws -> ConfigObject {
        switch layout {
        case .folder:
            let file = "\(path)/\(name(role))/\(role == .scheduler ? "scheduler_config.json" : "config.json")"
            ledger.note(file)
            return try ConfigObject(path: file)
        case .original(let file):
            switch role {
            case .denoiser: return file.unetConfig
            case .autoencoder: return file.vaeConfig
            case .text(0): return file.textEncoderConfig
            case .scheduler: return file.schedulerConfig
            case .text(1):
                if let config = file.textEncoder2Config { return config }
                fallthrough
            default: throw missing(role)
            }
        }
    }

    /// The tensors of a part; their bytes are not touched.
    package func store(_ role: Role) throws -> CheckpointStore {
        switch layout {
        case .folder: return try CheckpointStore(path: folder(role))
        case .original(let file):
            let store: CheckpointStore
            switch role {
            case .denoiser: store = file.unet
            case .autoencoder: store = file.vae
            case .text(0): store = file.textEncoder
            case .text(1): store = file.textEncoder2
            default: throw missing(role)
            }
            guard store.count > 0 else { throw missing(role) }
            return store
        }
    }

    /// Weights of a part, computing in `precision`.
    package func weights(_ role: Role, _ precision: Precision) throws -> Weights {
        Weights(try store(role), precision)
    }

    /// A part whose weights are shaped by its configuration and, beside that, by `settings`.
    func part<Value: Sendable>(
        _ role: Role, _ precision: Precision, settings: String = "",
        _ build: @escaping @Sendable (Weights) throws -> Value
    ) throws -> Part<Value> {
        let store = try store(role)
        let files = try store.files.map { file in
            guard let identity = ledger.note(file) else { throw CheckpointError.unreadable(file: file, errno: errno) }
            return identity
        }
        return Part(role, files: files, settings: try shape(role) + settings, precision) {
            try build(Weights(store, precision))
        }
    }

    /// Path of a file of a part; nil when the layout or the folder has none.
    func file(_ role: Role, _ name: String) -> String? {
        guard case .folder = layout else { return nil }
        let file = "\(folder(role))/\(name)"
        guard access(file, F_OK) == 0 else { return nil }
        ledger.note(file)
        return file
    }

    /// Folder of a part, for messages too.
    func folder(_ role: Role) -> String { isSingleFile ? path : "\(path)/\(name(role))" }

    /// What of the configuration decides how the weights are built, as text.
    private func shape(_ role: Role) throws -> String {
        guard let file = file(role, "config.json") else { return "" }
        return String(decoding: try MappedFile.contents(file), as: UTF8.self)
    }

    /// How diffusers calls a part.
    private func name(_ role: Role) -> String {
        switch role {
        case .denoiser: access(path + "/transformer", F_OK) == 0 ? "transformer" : "unet"
        case .autoencoder: "vae"
        case .scheduler: "scheduler"
        case .upscaler: "upscaler"
        case .text(let index): index == 0 ? "text_encoder" : "text_encoder_\(index + 1)"
        case .tokenizer(let index): index == 0 ? "tokenizer" : "tokenizer_\(index + 1)"
        }
    }

    private func missing(_ role: Role) -> PipelineError {
        .part(path: path, fact: "it has no \(name(role))", remedy: "use a checkpoint with all parts")
    }
}
