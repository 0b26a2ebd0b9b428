// The one place that knows the names of models.

package import Tensor
import Vocabulary

/// Builds models from what their files say they are.
package struct Registry: Sendable {
    /// Reads configurations and headers, no weights.
    private typealias Builder = @Sendable (ModelFiles, ModelCatalog, Precision) throws -> TextToImage

    /// A new model is a line here.
    private static let builders: [Architecture: Builder] = [
        Architecture(.diffusers, "StableDiffusionPipeline"): { try .stableDiffusion($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionImg2ImgPipeline"): { try .stableDiffusion($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionInpaintPipeline"): { try .stableDiffusion($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionInstructPix2PixPipeline"): { try .stableDiffusion($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionXLPipeline"): { try .stableDiffusionXL($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionXLImg2ImgPipeline"): { try .stableDiffusionXL($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionXLInpaintPipeline"): { try .stableDiffusionXL($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionXLInstructPix2PixPipeline"): { try .stableDiffusionXL($0, $1, $2) },
        Architecture(.diffusers, "LatentConsistencyModelPipeline"): { try .latentConsistency($0, $1, $2) },
        Architecture(.diffusers, "LatentConsistencyModelImg2ImgPipeline"): { try .latentConsistency($0, $1, $2) },
        Architecture(.diffusers, "DreamLitePipeline"): { files, _, precision in try .dreamLite(files, precision) },
        Architecture(.diffusers, "LazuliMiniPipeline"): { try .lazuliMini($0, $1, $2) },
        Architecture(.original, "sd1"): { try .stableDiffusion($0, $1, $2) },
        Architecture(.original, "sd2"): { try .stableDiffusion($0, $1, $2) },
        Architecture(.original, "sdxl"): { try .stableDiffusionXL($0, $1, $2) },
    ]

    /// What a request without a model gets, when it is there.
    package static let defaultModel = "lazuli-mini"

    package let catalog: ModelCatalog

    package init(_ catalog: ModelCatalog) { self.catalog = catalog }

    /// The text-to-image model called `name`, its weights not yet read.
    package func textToImage(_ name: String, _ precision: Precision) throws -> TextToImage {
        try textToImage(catalog.model(name), precision)
    }

    /// The text-to-image model of an entry of the catalogue.
    package func textToImage(_ entry: ModelCatalog.Entry, _ precision: Precision) throws -> TextToImage {
        let files = try ModelFiles(entry.path)
        let architecture = try files.architecture
        guard let builder = Self.builders[architecture] else {
            throw PipelineError.unsupportedModel(path: entry.path, kind: architecture.name)
        }
        var model = try builder(files, catalog, precision)
        model.name = entry.name
        return model
    }
}
