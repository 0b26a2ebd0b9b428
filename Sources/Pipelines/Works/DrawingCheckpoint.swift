import API
import JSON
import Kinds
import Schedulers
import Tensor
import Vocabulary

/// Where a drawing was: before a row of a picture.
struct DrawingCheckpoint: Sendable {
    var picture: Int
    var row: Int
    /// nil where the picture was not begun.
    var state: SamplingState<Tensor>?

    /// What a checkpoint's numbers came from; with anything else they mean nothing.
    struct Belonging: Sendable, Equatable {
        var version = lazuliVersion
        var kernels: String
        var precision: String
        /// SHA-256 of the denoiser's weights.
        var model: String
        /// SHA-256 over the identities of all files of the model.
        var files: String
        /// SHA-256 over the sampler's table.
        var plan: String
        /// SHA-256 over the parameters.
        var parameters: String

        init(
            kernels: String, model: TextToImage, fingerprint: String, plan: TextToImage.Plan, parameters: JSON
        ) {
            self.kernels = kernels
            precision = model.precision.rawValue
            self.model = fingerprint
            files = digest(Array(model.ledger.description.utf8))
            self.plan = digest(Array("\(plan.sampling)".utf8))
            self.parameters = digest(parameters.text())
        }

        var members: [String: JSON] {
            [
                "version": .string(version), "kernels": .string(kernels), "precision": .string(precision),
                "model": .string(model), "files": .string(files), "plan": .string(plan),
                "parameters": .string(parameters),
            ]
        }
    }
}

extension DrawingCheckpoint {
    private static let latents = "latents"
    private static let saved = "saved"
    private static let past = "past."

    /// The checkpoint on its way to the daemon. `outputs` are the files that must have been kept for it.
    func encoded(_ belongs: Belonging) -> Checkpoint {
        var tensors: [String: Tensor] = [:]
        if let state {
            tensors[Self.latents] = state.latents
            tensors[Self.saved] = state.saved
            for (index, value) in state.past.enumerated() { tensors[Self.past + String(index)] = value }
        }
        let bytes = tensorFile(tensors)
        var facts = belongs.members
        facts["picture"] = .int(picture)
        facts["row"] = .int(row)
        facts["outputs"] = .int(picture)
        facts["seal"] = .string(Self.seal(bytes, picture, row))
        return Checkpoint(facts: .object(facts), tensors: bytes)
    }

    /// SHA-256 over the tensors and the place that they belong to.
    private static func seal(_ tensors: [UInt8], _ picture: Int, _ row: Int) -> String {
        digest(tensors + Array("\(picture) \(row)".utf8))
    }

    /// The state of a checkpoint of a job of `count` pictures of `rows` rows; nil where it belongs to anything else or is
    /// damaged: the job begins again.
    init?(_ checkpoint: Checkpoint, belongs: Belonging, shape: [Int], count: Int, rows: Int) {
        guard let facts = checkpoint.facts.asObject, belongs.members.allSatisfy({ facts[$0.key] == $0.value }),
            let picture = facts["picture"]?.asInt, let row = facts["row"]?.asInt, (0..<count).contains(picture),
            (0...rows).contains(row), picture > 0 || row > 0,
            facts["seal"] == .string(Self.seal(checkpoint.tensors, picture, row)),
            let tensors = readTensorFile(checkpoint.tensors)
        else { return nil }
        self.picture = picture
        self.row = row
        guard row > 0 else { return }
        guard let latents = tensors[Self.latents] else { return nil }
        let wanted = [1, shape[1], shape[2], shape[0]]
        guard tensors.values.allSatisfy({ $0.shape == wanted && $0.firstNonFinite == nil }) else { return nil }
        var state = SamplingState(latents: latents)
        state.saved = tensors[Self.saved]
        while let value = tensors[Self.past + String(state.past.count)] { state.past.append(value) }
        self.state = state
    }
}
