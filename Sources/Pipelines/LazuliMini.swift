// Lazuli Mini, the embedded default: a small flow-matching UNet conditioned by a general language model.
//
// Reference  training/reference.py; the model's own facts are in its conditioning.json

import Checkpoints
import Models
import Schedulers
import Tensor
import Tokenizers

extension TextToImage {
    static func lazuliMini(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> TextToImage {
        let facts = try ConfigObject(path: files.path + "/conditioning.json")
        try facts.requireVersion(upTo: 1)
        let name = try facts.object("text_encoder").fileName("file")
        guard let path = catalog.file(name) else {
            throw PipelineError.part(
                path: files.path, fact: "its language model \(name) is under none of the model folders",
                remedy:
                    "run `make language-model`, or put the file into one of \(catalog.roots.joined(separator: ", "))")
        }
        let gguf = try GGUF(MappedFile(path: path))
        let tokenizer = try Tokenizer(gguf)
        let decoder = try Llama(
            Weights(CheckpointStore(gguf), precision),
            Llama.Configuration(gguf: gguf.config, vocabulary: tokenizer.vocabularySize), hasHead: false)
        let defaults = try facts.object("defaults")
        let vae = try tinyAutoencoder(files, precision)
        return TextToImage(
            family: "lazuli-mini",
            defaults: Defaults(
                width: try defaults.int("width"), height: try defaults.int("height"),
                steps: try defaults.int("steps"), guidance: try defaults.double("guidance")),
            scheduler: try files.scheduler,
            encoder: DecoderPromptEncoder(
                decoder: decoder, tokenizer: tokenizer,
                depth: .residual(try facts.object("hidden_states").int("layer", in: 1...decoder.configuration.depth)),
                template: .init(
                    before: "Picture: ", after: "", task: "", dropped: 0,
                    limit: try facts.object("tokens").int("max", in: 1...4096), strips: true, negativeHasTask: true)),
            denoiser: UNetDenoiser(
                unet: try dreamLiteUNet(files, precision), source: .channels, timeIDs: { _ in [] }),
            decoder: vae,
            latents: LatentSpace(channels: vae.configuration.latents, factor: vae.configuration.factor))
    }
}
