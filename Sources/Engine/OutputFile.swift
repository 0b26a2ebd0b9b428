package import API
import FoundationEssentials
import Images
import Pipelines
import Tensor

/// What is written beside the pixels so that a picture can be drawn again.
package struct Recipe: Codable, Sendable, Equatable {
    /// Version of the engine.
    package var lazuli: String
    /// The kernel table: other instruction sets round differently.
    package var kernels: String
    package var modelSHA256: String
    /// A request for this one picture, every choice made.
    package var request: GenerateRequest

    private enum CodingKeys: String, CodingKey {
        case lazuli, kernels, request
        case modelSHA256 = "model_sha256"
    }
}

/// One picture on its way into a file.
struct OutputFile {
    private let request: GenerateRequest
    private let seed: UInt64
    private let fingerprint, kernels: String

    init(_ request: GenerateRequest, seed: UInt64, fingerprint: String, kernels: String) {
        self.request = request
        self.seed = seed
        self.fingerprint = fingerprint
        self.kernels = kernels
    }

    /// The file of a picture [H, W, 3] in −1 ... 1.
    func encode(_ pixels: Tensor) throws -> [UInt8] {
        let image = Image(
            width: pixels.shape[1], height: pixels.shape[0], channels: 3, pixels.floats, .signed)
        let metadata = try metadata()
        switch request.format {
        case .png: return try image.png(metadata: metadata)
        case .jpeg: return try image.jpeg(quality: request.quality, metadata: metadata)
        case .webp: return try image.webp(quality: request.quality, metadata: metadata)
        }
    }

    private func metadata() throws -> Metadata {
        switch request.metadata {
        case .none: return Metadata()
        case .minimal: return Metadata(source: .generated)
        case .full:
            var single = request
            single.seed = seed
            single.count = 1
            let recipe = Recipe(
                lazuli: lazuliVersion, kernels: kernels, modelSHA256: fingerprint, request: single)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Metadata(
                parameters: parameters.text, recipe: String(decoding: try encoder.encode(recipe), as: UTF8.self),
                source: .generated)
        }
    }

    /// 7 for 7.0, as AUTOMATIC1111 writes it.
    private static func decimal(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? String(value)
    }

    /// The text that AUTOMATIC1111's readers expect.
    private var parameters: A1111Parameters {
        let width = request.width ?? 0
        let height = request.height ?? 0
        var settings: [A1111Parameters.Setting] = [
            .init("Steps", "\(request.steps ?? 0)"), .init("Sampler", request.sampler ?? ""),
            .init("CFG scale", Self.decimal(request.guidance ?? 0)), .init("Seed", "\(seed)"),
            .init("Size", "\(width)x\(height)"), .init("Model hash", String(fingerprint.prefix(10))),
            .init("Model", request.model ?? ""), .init("Version", "Lazuli \(lazuliVersion)"),
        ]
        if let schedule = request.schedule { settings.insert(.init("Schedule type", schedule), at: 2) }
        return A1111Parameters(
            prompt: request.prompt, negativePrompt: request.negativePrompt ?? "", settings: settings)
    }
}
