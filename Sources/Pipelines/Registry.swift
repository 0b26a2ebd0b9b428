// The one place that knows the names of models.

package import Tensor

/// The arithmetic that a model is loaded for; the wire has a type of the same name.
package typealias ModelPrecision = Precision

/// Builds models from what their files say they are.
package struct Registry: Sendable {
    private typealias Build = @Sendable (ModelFiles, ModelCatalog, Precision) throws -> TextToImage

    /// By the class that diffusers writes into `model_index.json`. A new model is a line here.
    private static let textToImage: [String: Build] = [
        "StableDiffusionPipeline": { try .stableDiffusion($0, $1, $2) },
        "StableDiffusionXLPipeline": { try .stableDiffusionXL($0, $1, $2) },
        "LatentConsistencyModelPipeline": { try .latentConsistency($0, $1, $2) },
        "DreamLitePipeline": { files, _, precision in try .dreamLite(files, precision) },
        "LazuliMiniPipeline": { try .lazuliMini($0, $1, $2) },
    ]

    /// What a request without a model gets, when it is there.
    package static let defaultModel = "lazuli-mini"

    package let catalog: ModelCatalog

    package init(_ catalog: ModelCatalog) { self.catalog = catalog }

    /// Loads the text-to-image model called `name`.
    package func textToImage(_ name: String, _ precision: Precision) throws -> TextToImage {
        let entry = try catalog.model(name)
        let files = try ModelFiles(entry.path)
        let kind = try files.className
        guard let build = Self.textToImage[kind] else {
            throw PipelineError.unsupportedModel(path: entry.path, kind: kind)
        }
        return try build(files, catalog, precision)
    }

    /// Whether models saved by `className` can be built.
    package static func knows(_ className: String) -> Bool { textToImage[className] != nil }
}
