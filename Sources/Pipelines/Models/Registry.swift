// The one place that knows the names of models.

import Kinds
package import Tensor
package import Vocabulary

/// Builds models from what their files say they are.
package struct Registry: Sendable {
    /// What can be done with models of one architecture, and how.
    private struct Builder: Sendable {
        var kinds: Set<JobKind> = [Generate.kind]
        /// Reads configurations and headers, no weights.
        var build: @Sendable (ModelFiles, ModelCatalog, Precision) throws -> TextToImage
    }

    /// A new model is a line here.
    private static let builders: [Architecture: Builder] = [
        Architecture(.diffusers, "StableDiffusionPipeline"): Builder { try .stableDiffusion($0, $1, $2) },
        Architecture(.diffusers, "StableDiffusionXLPipeline"): Builder { try .stableDiffusionXL($0, $1, $2) },
        Architecture(.diffusers, "LatentConsistencyModelPipeline"): Builder { try .latentConsistency($0, $1, $2) },
        Architecture(.diffusers, "DreamLitePipeline"): Builder { files, _, precision in
            try .dreamLite(files, precision)
        },
        Architecture(.diffusers, "LazuliMiniPipeline"): Builder { try .lazuliMini($0, $1, $2) },
        Architecture(.original, "sd1"): Builder { try .stableDiffusion($0, $1, $2) },
        Architecture(.original, "sd2"): Builder { try .stableDiffusion($0, $1, $2) },
        Architecture(.original, "sdxl"): Builder { try .stableDiffusionXL($0, $1, $2) },
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
        var model = try builder.build(files, catalog, precision)
        model.name = entry.name
        return model
    }

    /// What models of an architecture can do; none where nobody can build them.
    package static func kinds(_ architecture: Architecture) -> Set<JobKind> { builders[architecture]?.kinds ?? [] }
}
