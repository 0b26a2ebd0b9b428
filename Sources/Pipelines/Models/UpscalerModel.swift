// Networks that enlarge pictures, each in one safetensors file.

import Checkpoints
import Kinds
import Models
package import Tensor
import Vocabulary

/// An upscaler whose weights are loaded when they are needed.
package struct UpscalerModel: Sendable {
    /// A network, whichever it is.
    struct Network: Sendable {
        let network: any Upscaler
    }

    /// The name that requests use.
    package let name: String
    package let family: String
    package let precision: Precision
    let path: String
    package let ledger: FileLedger
    let part: Part<Network>
    /// Pixels of the result for a pixel of the picture, along each side, and what sides are multiples of.
    let factor, unit: Int

    /// The most bytes that enlarging a picture of this size takes at a time, the weights included; walked by shapes.
    func peakBytes(width: Int, height: Int) throws -> Int {
        let walk = ShapeWalk()
        return try walk {
            let network = try SketchedParts(walk).lease(part).value.network
            let sides = [width, height].map { ($0 + unit - 1) / unit * unit }
            var picture = BandedUpscaling(network, Tensor(zeros: [1, sides[1], sides[0], 3]))
            while !picture.isDone { _ = picture.advance(network) }
            return walk.peak
        }
    }
}

extension Registry {
    /// What a request without an upscaler gets, when it is there: the quickest.
    package static let defaultUpscaler = "realesr-animevideov3"

    /// The upscaler called `name`, nil: the default; its weights not yet read.
    func upscaler(_ name: String?, _ precision: Precision) throws -> UpscalerModel {
        let wanted = name ?? Self.defaultUpscaler
        let entries = catalog.entries
        guard let entry = entries.first(where: { $0.name == wanted }) else {
            throw PipelineError.request(
                parameter: "model", fact: "there is no upscaler \"\(wanted)\"",
                remedy:
                    "run `make upscaler`, which fetches \(Self.defaultUpscaler) and others, put a safetensors file into "
                    + "one of \(catalog.roots.joined(separator: ", ")), or ask for \"\(Upscale.lanczos)\", which needs none"
            )
        }
        guard let upscaler = try upscaler(entry, precision) else {
            throw PipelineError.request(
                parameter: "model", fact: "\"\(wanted)\" is no upscaler that Lazuli knows",
                remedy:
                    "choose an ESRGAN, Real-ESRGAN or SRVGG network in one safetensors file, or \"\(Upscale.lanczos)\"")
        }
        return upscaler
    }

    /// The upscaler of an entry of the catalogue; nil where it holds something else.
    package func upscaler(_ entry: ModelCatalog.Entry, _ precision: Precision) throws -> UpscalerModel? {
        guard entry.kind == .safetensors else { return nil }
        let ledger = FileLedger()
        guard let identity = ledger.note(entry.path) else { return nil }
        let store = try CheckpointStore(path: entry.path)
        guard let family = try upscalerFamily(store) else { return nil }
        let part = Part(.upscaler, files: [identity], precision) {
            UpscalerModel.Network(network: try Models.upscaler(store, precision))
        }
        let walk = ShapeWalk()
        let network = try walk { try part.build().network }
        return UpscalerModel(
            name: entry.name, family: family, precision: precision, path: entry.path, ledger: ledger, part: part,
            factor: network.factor, unit: network.unit)
    }
}
