import API
import FoundationEssentials
import Images
package import Kinds
import Schedulers
import Vocabulary

/// What is written beside the pixels so that a picture can be drawn again.
package struct Recipe<Parameters: DrawingParameters>: Codable, Sendable, Equatable {
    /// Version of the engine.
    package var lazuli: String
    /// The kernel table: other instruction sets round differently.
    package var kernels: String
    package var modelSHA256: String
    /// The kind of job; nil: `generate`, as the first recipes have it.
    package var kind: String?
    /// A request for this one picture, every choice made.
    package var request: Parameters

    private enum CodingKeys: String, CodingKey {
        case lazuli, kernels, kind, request
        case modelSHA256 = "model_sha256"
    }
}

/// One picture on its way into a file.
struct PictureFile<Parameters: DrawingParameters> {
    /// Every choice made.
    let request: Parameters
    let seed: UInt64
    let fingerprint, kernels: String

    /// The file of a picture, and what of the recipe found no room in it.
    func encode(_ image: Image) throws -> (bytes: [UInt8], omitted: String?) {
        var omitted: String?
        for (metadata, loss) in try forms() {
            omitted = loss
            do {
                return (try encode(image, metadata), omitted)
            } catch ImageError.metadataTooLarge {
                continue
            }
        }
        return (try encode(image, Metadata()), omitted)
    }

    private func encode(_ image: Image, _ metadata: Metadata) throws(ImageError) -> [UInt8] {
        switch request.format {
        case .png: try image.png(metadata: metadata)
        case .jpeg: try image.jpeg(quality: request.quality, metadata: metadata)
        case .webp: try image.webp(quality: request.quality, metadata: metadata)
        }
    }

    /// The metadata, and then what is tried where a format has no room for all of it.
    private func forms() throws -> [(Metadata, loss: String?)] {
        switch request.metadata {
        case .none: return [(Metadata(), nil)]
        case .minimal: return [(Metadata(source: origin), nil)]
        case .full:
            var single = request
            single.seed = seed
            single.count = 1
            single.previews = nil
            let recipe = Recipe(
                lazuli: lazuliVersion, kernels: kernels, modelSHA256: fingerprint,
                kind: Parameters.kind == Generate.kind ? nil : Parameters.kind.rawValue, request: single)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(recipe), as: UTF8.self)
            return [
                (Metadata(parameters: parameters.text, recipe: text, source: origin), nil),
                (
                    Metadata(recipe: text, source: origin),
                    "the prompt is too long for a \(request.format.name) to carry the settings for other programs as "
                        + "well; PNG has room"
                ),
                (
                    Metadata(source: origin),
                    "the prompt is too long for a \(request.format.name) to carry the recipe; PNG has room"
                ),
            ]
        }
    }

    private var origin: Metadata.DigitalSource { request.source == nil ? .generated : .edited }

    /// 7 for 7.0, as AUTOMATIC1111 writes it.
    private static func decimal(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? String(value)
    }

    /// The text that AUTOMATIC1111's readers expect. They match its labels exactly; what it lacks keeps the name it has here.
    private var parameters: A1111Parameters {
        let width = request.width ?? 0
        let height = request.height ?? 0
        let sampler = request.sampler.map { Sampler(rawValue: $0)?.label ?? $0 } ?? ""
        var settings: [A1111Parameters.Setting] = [
            .init("Steps", "\(request.steps ?? 0)"), .init("Sampler", sampler),
            .init("CFG scale", Self.decimal(request.guidance ?? 0)), .init("Seed", "\(seed)"),
            .init("Size", "\(width)x\(height)"), .init("Model hash", String(fingerprint.prefix(10))),
            .init("Model", request.model ?? ""),
        ]
        switch request.source?.use {
        case .start(let strength)?: settings.append(.init("Denoising strength", Self.decimal(strength ?? 1)))
        case .instruction(let scale)?: settings.append(.init("Image CFG scale", Self.decimal(scale ?? 1)))
        case nil: break
        }
        if let blur = request.source?.mask?.blur, blur > 0 { settings.append(.init("Mask blur", "\(blur)")) }
        settings.append(.init("Version", "Lazuli \(lazuliVersion)"))
        if let name = request.schedule {
            settings.insert(.init("Schedule type", SigmaSchedule(rawValue: name)?.label ?? name), at: 2)
        }
        return A1111Parameters(
            prompt: request.prompt, negativePrompt: request.negativePrompt ?? "", settings: settings)
    }
}
