// Lazuli Mini, the embedded default: a small flow-matching UNet conditioned by a general language model.
//
// Reference  training/reference.py; the model's own facts are in its conditioning.json

import Checkpoints
import Models
import Schedulers
import Tensor
import Tokenizers
import Vocabulary

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension TextToImage {
    static func lazuliMini(
        _ files: ModelFiles, _ catalog: ModelCatalog, _ precision: Precision
    ) throws -> TextToImage {
        files.ledger.note(files.path + "/conditioning.json")
        let facts = try ConfigObject(path: files.path + "/conditioning.json")
        try facts.requireVersion(upTo: 1)
        let name = try facts.object("text_encoder").fileName("file")
        guard let path = catalog.file(name) else {
            throw PipelineError.part(
                path: files.path, fact: "its language model \(name) is under none of the model folders",
                remedy:
                    "run `make language-model`, or put the file into one of \(catalog.roots.joined(separator: ", "))")
        }
        let defaults = try facts.object("defaults")
        let text = try GGUFDecoder(path, files.ledger, precision)
        let depth = try facts.object("hidden_states").int("layer", in: 1...text.depth)
        let limit = try facts.object("tokens").int("max", in: 1...4096)
        func reader(_ before: String) -> DecoderPromptEncoder {
            DecoderPromptEncoder(
                decoder: text.decoder, tokenizer: text.tokenizer, place: path, depth: .residual(depth),
                template: .init(
                    before: before, after: "", task: "", dropped: 0, limit: limit, strips: true,
                    negativeHasTask: true))
        }
        return TextToImage(
            family: "lazuli-mini", precision: precision, files: files,
            defaults: Defaults(
                width: try defaults.int("width"), height: try defaults.int("height"),
                steps: try defaults.int("steps"), guidance: try defaults.double("guidance")),
            scheduler: try files.scheduler,
            encoder: reader("Picture: "),
            denoiser: try dreamLiteUNet(files, precision, source: .channels, timeIDs: { _ in [] }),
            codec: try TinyLatentCodec(files, precision), guidance: .classifierFree,
            // It never saw an instruction without a picture, so that there is nothing to guide away from.
            editing: TextToImage.Editing(imageGuidance: 1, encoder: reader("Edit: ")), keepsOwnSize: true)
    }
}

/// A language model in a GGUF file, whose tokenizer lies in the same file.
struct GGUFDecoder {
    let decoder: Part<Llama>
    let tokenizer: Part<Tokenizer>
    let configuration: Llama.Configuration
    let gguf: GGUF
    /// Layers.
    var depth: Int { configuration.depth }

    init(_ path: String, _ ledger: FileLedger, _ precision: Precision) throws {
        guard let identity = ledger.note(path) else {
            throw CheckpointError.unreadable(file: path, errno: ENOENT)
        }
        let gguf = try GGUF(MappedFile(path: path))
        let store = CheckpointStore(gguf)
        let vocabulary = try gguf.strings("tokenizer.ggml.tokens")?.count ?? 0
        let config = try Llama.Configuration(gguf: gguf.config, vocabulary: vocabulary)
        configuration = config
        self.gguf = gguf
        // With its head, whoever asks: the same decoder answers, captions and conditions.
        decoder = Part(.text(0), files: [identity], precision, mappedBytes: store.byteCount) {
            try Llama(Weights(store, precision), config)
        }
        tokenizer = Part(.tokenizer(0), files: [identity], .f32, ownBytes: 256 * vocabulary) { try Tokenizer(gguf) }
    }
}
