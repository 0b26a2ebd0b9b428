// What a request says in place of the checkpoint: what its network predicts, its timesteps and its autoencoder.
//
// Reference   diffusers `from_config(scheduler.config, prediction_type=…, timestep_spacing=…, rescale_betas_zero_snr=…)`

import Checkpoints
import Kinds
import Schedulers
import Tensor
import Vocabulary

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension SamplingRequest {
    /// The table of this request with what `drawing` puts in place of the checkpoint's settings. What changes nothing is
    /// among the plan's `ignored`.
    mutating func plan(
        _ configuration: SchedulerConfiguration, overriding drawing: some DrawingParameters
    ) throws -> SamplingPlan {
        let values: [(parameter: String, key: String, value: SchedulerConfiguration.Value?)] = [
            ("prediction", "prediction_type", drawing.prediction.map { .text($0.rawValue) }),
            ("spacing", "timestep_spacing", drawing.spacing.map { .text($0.rawValue) }),
            ("zero_snr", "rescale_betas_zero_snr", drawing.zeroSNR.map(SchedulerConfiguration.Value.flag)),
        ]
        for (parameter, key, value) in values {
            guard let value else { continue }
            if try parameter != "spacing" && configuration.isFlow {
                throw PipelineError.request(
                    parameter: parameter, fact: "the model was trained by flow matching", remedy: "leave it out")
            }
            overrides[key] = value
        }
        var plan = try SamplingPlan(self, configuration: configuration)
        // A sampler that reads a setting makes another table of another value.
        let others: [String: [SchedulerConfiguration.Value]] = [
            "spacing": TimestepSpacing.allCases.map { .text($0.rawValue) }, "zero_snr": [.flag(true), .flag(false)],
        ]
        for (parameter, key, value) in values where value != nil {
            guard let choices = others[parameter] else { continue }
            let isRead = choices.contains { choice in
                var other = self
                other.overrides[key] = choice
                return (try? SamplingPlan(other, configuration: configuration))?.steps != plan.steps
            }
            if !isRead { plan.ignored.append(parameter) }
        }
        return plan
    }
}

extension TextToImage {
    /// This model with the autoencoder of another entry of the catalogue: a whole model, a folder or a file with an
    /// autoencoder alone. A file states no scale of its latents, so this model's holds.
    func replacingAutoencoder(_ name: String, _ catalog: ModelCatalog) throws -> TextToImage {
        guard let latentScale else {
            throw PipelineError.request(
                parameter: "vae", fact: "the latents of a \(family) are its own autoencoder's", remedy: "leave it out")
        }
        let entry: ModelCatalog.Entry
        do {
            entry = try catalog.model(name)
        } catch {
            throw PipelineError.request(parameter: "vae", fact: "\(error)", remedy: "put its file into such a folder")
        }
        let codec: any LatentCodec
        let weights: [String]
        if let files = try Self.wholeModel(entry) {
            (codec, weights) = (try Self.latentCodec(files, precision), try files.store(.autoencoder).files)
        } else {
            let alone = try LoneAutoencoder(entry, scale: latentScale)
            (codec, weights) = (try Self.latentCodec(alone, precision), alone.store.files)
        }
        guard codec.channels == self.codec.channels, codec.factor == self.codec.factor else {
            throw PipelineError.request(
                parameter: "vae",
                fact: "\(name) has latents of \(codec.channels) channels and \(codec.factor) pixels, \(self.name) of "
                    + "\(self.codec.channels) and \(self.codec.factor)",
                remedy: "use the autoencoder of a model of the same family")
        }
        var model = self
        model.codec = codec
        model.autoencoder = (name, weights)
        for file in weights + [entry.path + "/vae/config.json", entry.path + "/config.json"] { ledger.note(file) }
        return model
    }

    /// The files of an entry that has other parts beside an autoencoder.
    private static func wholeModel(_ entry: ModelCatalog.Entry) throws -> ModelFiles? {
        switch entry.kind {
        case .diffusers: try ModelFiles(entry.path)
        case .safetensors:
            OriginalCheckpoint.kind(of: try CheckpointStore(path: entry.path)) == nil ? nil : try ModelFiles(entry.path)
        case .transformers, .gguf: nil
        }
    }
}

/// Where an autoencoder comes from.
protocol AutoencoderSource {
    func className(of role: Role) -> String?
    func config(_ role: Role) throws -> ConfigObject
    func part<Value: Sendable>(
        _ role: Role, _ precision: Precision, settings: String, _ build: @escaping @Sendable (Weights) throws -> Value
    ) throws -> Part<Value>
}

extension ModelFiles: AutoencoderSource {}

/// An autoencoder in a folder or a file of its own.
struct LoneAutoencoder: AutoencoderSource {
    let store: CheckpointStore
    private let config: ConfigObject
    /// What of the configuration decides how the weights are built.
    private let shape: String

    init(_ entry: ModelCatalog.Entry, scale: Float) throws {
        func refused(_ fact: String) -> PipelineError {
            .request(
                parameter: "vae", fact: "\(entry.path) \(fact)",
                remedy: "name a model, or a folder or file with a whole autoencoder")
        }
        if entry.kind == .transformers {
            let file = entry.path + "/config.json"
            config = try ConfigObject(path: file)
            guard try config.optionalString("_class_name")?.hasPrefix("Autoencoder") == true else {
                throw refused("is no autoencoder")
            }
            store = try CheckpointStore(path: entry.path)
            shape = String(decoding: try MappedFile.contents(file), as: UTF8.self)
            return
        }
        let file = try CheckpointStore(path: entry.path)
        let prefixed = file.dropping(prefix: "first_stage_model.")
        let given = prefixed.count > 0 ? prefixed : file
        store = given.isOriginalVAE ? try given.withDiffusersVAENames() : given
        guard store.contains("decoder.conv_in.weight"), store.contains("encoder.conv_in.weight") else {
            throw refused("has no autoencoder with both halves")
        }
        config = OriginalCheckpoint.vaeConfig(store, scale: Double(scale))
        shape = "alone, scale \(scale)"
    }

    func className(of role: Role) -> String? { try? config.optionalString("_class_name") }

    func config(_ role: Role) throws -> ConfigObject { config }

    func part<Value: Sendable>(
        _ role: Role, _ precision: Precision, settings: String, _ build: @escaping @Sendable (Weights) throws -> Value
    ) throws -> Part<Value> {
        let files = try store.files.map { file in
            guard let identity = FileIdentity(file) else { throw CheckpointError.unreadable(file: file, errno: errno) }
            return identity
        }
        return Part(role, files: files, settings: shape + settings, precision) { [store] in
            try build(Weights(store, precision))
        }
    }
}
