// Language models that answer: a GGUF, or a folder of transformers.

import Checkpoints
import Kinds
import Models
import Tokenizers
package import Tensor
package import Vocabulary

/// A decoder with its tokenizer and the words around a conversation.
package struct LanguageModel: Sendable {
    /// The name that requests use.
    package let name: String
    package let family: String
    package let precision: Precision
    package let ledger: FileLedger
    let decoder: Part<Llama>
    let tokenizer: Part<Tokenizer>
    let configuration: Llama.Configuration
    /// nil: the checkpoint's template is none that Lazuli knows.
    let template: ChatTemplate?
    /// Most tokens of a conversation with its answer.
    let context: Int
    /// Tokens that end an answer, as the files name them, beside the tokenizer's own.
    let endIDs: [Int]

    var parts: [any ModelPart] { [tokenizer, decoder] }

    /// Tokens that end an answer.
    func ends(_ tokenizer: Tokenizer) -> Set<Int> {
        let markers = ["<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>", "<|eom_id|>"]
        return Set(endIDs + [tokenizer.roles.end].compactMap(\.self) + markers.compactMap { tokenizer.id(of: $0) })
    }

    /// Bytes beside the parts: keys and values of a conversation of so many tokens, twice while they grow, and the
    /// activations of a piece of it.
    func activationBytes(tokens: Int) -> Int {
        2 * configuration.cacheBytes(tokens: tokens) + 16 * configuration.vocabulary
            + 64 * Chatting.piece * configuration.width
    }
}

extension Registry {
    /// What a conversation without a model gets, when it is there.
    package static let defaultLanguageModel = "smollm2-135m-instruct"

    /// The language model called `name`, nil: the default; its weights not yet read.
    func languageModel(_ name: String?, _ precision: Vocabulary.Precision?) throws -> LanguageModel {
        let wanted = name ?? Self.defaultLanguageModel
        let entries = catalog.entries.filter { $0.kind == .gguf || $0.kind == .transformers }
        guard let entry = entries.first(where: { $0.name == wanted }) else {
            guard name == nil else {
                throw PipelineError.unknownModel(wanted, available: entries.map(\.name), roots: catalog.roots)
            }
            throw PipelineError.request(
                parameter: "model", fact: "the default language model \(wanted) is not there",
                remedy: "run `make language-model`, or name another one")
        }
        return try languageModel(entry, precision)
    }

    /// The language model of an entry of the catalogue.
    package func languageModel(
        _ entry: ModelCatalog.Entry, _ precision: Vocabulary.Precision?
    ) throws -> LanguageModel {
        func open(_ precision: Precision) throws -> LanguageModel {
            entry.kind == .gguf ? try gguf(entry, precision) : try transformers(entry, precision)
        }
        if let precision { return try open(Precision(wanted: precision)) }
        // Small decoders have activations of great range, whose rounding to bf16 shows in what they say.
        let model = try open(Precision(usual: ()))
        return model.configuration.width < 1024 && model.precision != .f32 ? try open(.f32) : model
    }

    private func gguf(_ entry: ModelCatalog.Entry, _ precision: Precision) throws -> LanguageModel {
        let ledger = FileLedger()
        let file = try GGUFDecoder(entry.path, ledger, precision)
        let json = file.gguf.config
        let kind = try json.string("general.architecture")
        let ends = try ["eos", "eot"].compactMap { try json.optionalInt("tokenizer.ggml.\($0)_token_id") }
        return LanguageModel(
            name: entry.name, family: kind, precision: precision, ledger: ledger, decoder: file.decoder,
            tokenizer: file.tokenizer, configuration: file.configuration,
            template: try json.optionalString("tokenizer.chat_template").flatMap { .recognized(inJinja: $0) },
            context: try json.int("\(kind).context_length", default: 2048, in: 1...16_777_216), endIDs: ends)
    }

    private func transformers(_ entry: ModelCatalog.Entry, _ precision: Precision) throws -> LanguageModel {
        let ledger = FileLedger()
        let path = entry.path
        func note(_ file: String) throws -> FileIdentity {
            guard let identity = ledger.note("\(path)/\(file)") else {
                throw PipelineError.part(
                    path: "\(path)/\(file)", fact: "is missing",
                    remedy: file == "tokenizer.json"
                        ? "save the tokenizer again with a current transformers, which writes it"
                        : "download the whole model again")
            }
            return identity
        }
        let settings = try note("config.json")
        let json = try ConfigObject(path: path + "/config.json")
        let config = try Llama.Configuration(causal: json)
        let store = try CheckpointStore(path: path)
        let files = try store.files.map { file in
            guard let identity = ledger.note(file) else {
                throw PipelineError.part(path: file, fact: "is missing", remedy: "download the whole model again")
            }
            return identity
        }
        let words = try note("tokenizer.json")
        let more = ledger.note(path + "/tokenizer_config.json")
        let facts = more == nil ? nil : try ConfigObject(path: path + "/tokenizer_config.json")
        // Where a window slides, what lies within it needs no mask.
        let window = try json.bool("use_sliding_window", default: true) ? json.optionalInt("sliding_window") : nil
        let limit = try json.int("max_position_embeddings", default: 2048, in: 1...16_777_216)
        var template = try? facts?.optionalString("chat_template")
        if template == nil, ledger.note(path + "/chat_template.jinja") != nil {
            template = String(decoding: try MappedFile.contents(path + "/chat_template.jinja"), as: UTF8.self)
        }
        let ends =
            (try? json.optionalInts("eos_token_id"))
            ?? (try? json.optionalInt("eos_token_id")).flatMap { $0.map { [$0] } }
        return LanguageModel(
            name: entry.name, family: "transformers", precision: precision, ledger: ledger,
            decoder: Part(.text(0), files: files + [settings], precision) {
                let weights = Weights(store, precision)
                let model = try Llama(weights, config)
                try weights.requireAllTaken(ignoring: "rotary_emb.inv_freq", "lm_head.weight")
                return model
            },
            tokenizer: Part(
                .tokenizer(0), files: [words] + [more].compactMap(\.self), .f32, ownBytes: 6 * words.size
            ) {
                try Tokenizer(
                    json: MappedFile.contents(path + "/tokenizer.json"),
                    config: more == nil ? nil : MappedFile.contents(path + "/tokenizer_config.json"))
            },
            configuration: config, template: template.flatMap { .recognized(inJinja: $0) },
            context: min(limit, window ?? limit), endIDs: ends ?? [])
    }
}
