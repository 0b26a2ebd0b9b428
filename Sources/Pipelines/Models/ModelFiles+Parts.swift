// Tokenizers and schedulers of a model, from the files beside its weights.

import Checkpoints
package import Schedulers
import Tokenizers
import Vocabulary

extension ModelFiles {
    /// The CLIP tokenizer number `index`; checkpoints in one file have none of their own and take the catalogue's.
    ///
    /// OpenCLIP's vocabularies, which Stable Diffusion 2 and the second encoder of XL use, pad with "!" (id 0).
    func clipTokenizer(_ index: Int, _ catalog: ModelCatalog) throws -> Part<CLIPTokenizer> {
        let role = Role.tokenizer(index)
        let settings = file(role, "tokenizer_config.json"), tokens = file(role, "special_tokens_map.json")
        if let vocabulary = file(role, "vocab.json"), let merges = file(role, "merges.txt") {
            return part(role, [vocabulary, merges, settings, tokens]) {
                try CLIPTokenizer(
                    vocabulary: MappedFile.contents(vocabulary), merges: MappedFile.contents(merges),
                    config: contents(settings), specialTokensMap: contents(tokens))
            }
        }
        if let json = file(role, "tokenizer.json") {
            return part(role, [json, settings, tokens]) {
                try CLIPTokenizer(
                    json: MappedFile.contents(json), config: contents(settings), specialTokensMap: contents(tokens))
            }
        }
        guard isSingleFile else {
            throw PipelineError.part(
                path: folder(role), fact: "it has neither tokenizer.json nor vocab.json with merges.txt",
                remedy: "download the whole model again")
        }
        guard let folder = catalog.folder("clip-tokenizer") else {
            throw PipelineError.part(
                path: path, fact: "the checkpoint has no tokenizer and CLIP's is under none of the model folders",
                remedy: "copy models/clip-tokenizer into one of \(catalog.roots.joined(separator: ", "))")
        }
        let padsWithZero = try index == 1 || config(.text(0)).string("hidden_act") != "quick_gelu"
        let vocabulary = folder + "/vocab.json", merges = folder + "/merges.txt"
        return part(role, [vocabulary, merges], settings: "\(padsWithZero)") {
            try CLIPTokenizer(
                vocabulary: MappedFile.contents(vocabulary), merges: MappedFile.contents(merges),
                config: padsWithZero ? Array(#"{"pad_token": "!"}"#.utf8) : nil)
        }
    }

    /// The tokenizer number `index`, which has a `tokenizer.json`.
    func tokenizer(_ index: Int) throws -> Part<Tokenizer> {
        let role = Role.tokenizer(index)
        guard let json = file(role, "tokenizer.json") else {
            throw PipelineError.part(
                path: folder(role) + "/tokenizer.json", fact: "is missing",
                remedy: "save the tokenizer again with a current transformers, which writes it")
        }
        let settings = file(role, "tokenizer_config.json")
        return part(role, [json, settings]) {
            try Tokenizer(json: MappedFile.contents(json), config: contents(settings))
        }
    }

    /// A part without tensors, made of small files.
    private func part<Value: Sendable>(
        _ role: Role, _ files: [String?], settings: String = "", _ build: @escaping @Sendable () throws -> Value
    ) -> Part<Value> {
        let identities = files.compactMap { $0.flatMap { ledger.note($0) } }
        // Strings, merges and their tables take about six times the text.
        let bytes = 6 * identities.reduce(0) { $0 + $1.size }
        return Part(role, files: identities, settings: settings, .f32, ownBytes: bytes, build: build)
    }

    /// The checkpoint's own sampler and noise levels. The index says which sampler; the file may have been saved by another.
    package var scheduler: SchedulerConfiguration {
        get throws {
            let config = try config(.scheduler)
            var values: [String: SchedulerConfiguration.Value] = [:]
            for key in config.keys where !key.hasPrefix("_") { values[key] = config.schedulerValue(key) }
            let name = try className(of: .scheduler) ?? config.optionalString("_class_name")
            return spaced(SchedulerConfiguration(className: name, values: values))
        }
    }
}

private func contents(_ path: String?) throws -> [UInt8]? { try path.map { try MappedFile.contents($0) } }

extension ConfigObject {
    /// The value at `key` in the scheduler's own words; kinds that no scheduler reads are left out.
    fileprivate func schedulerValue(_ key: String) -> SchedulerConfiguration.Value? {
        guard has(key) else { return .null }
        if let flag = try? bool(key) { return .flag(flag) }
        if let number = try? double(key) { return .number(number) }
        if let text = try? string(key) { return .text(text) }
        if let numbers = try? optionalDoubles(key) { return .numbers(numbers) }
        return nil
    }
}

extension Tokenizer {
    /// The tokenizer in the metadata of a GGUF file.
    init(_ gguf: GGUF) throws {
        let config = gguf.config
        let prefix = "tokenizer.ggml."
        var vocabulary = GGUFVocabulary(
            model: try config.string(prefix + "model"), tokens: try gguf.strings(prefix + "tokens") ?? [])
        vocabulary.preTokenizer = try config.optionalString(prefix + "pre")
        vocabulary.scores = try gguf.floats(prefix + "scores") ?? []
        vocabulary.types = try gguf.ints(prefix + "token_type")?.map { Int32(truncatingIfNeeded: $0) } ?? []
        vocabulary.merges = try gguf.strings(prefix + "merges") ?? []
        vocabulary.roles.start = try config.optionalInt(prefix + "bos_token_id")
        vocabulary.roles.end = try config.optionalInt(prefix + "eos_token_id")
        vocabulary.roles.padding = try config.optionalInt(prefix + "padding_token_id")
        vocabulary.roles.unknown = try config.optionalInt(prefix + "unknown_token_id")
        vocabulary.addsStart = config.has(prefix + "add_bos_token") ? try config.bool(prefix + "add_bos_token") : nil
        vocabulary.addsEnd = config.has(prefix + "add_eos_token") ? try config.bool(prefix + "add_eos_token") : nil
        vocabulary.addsSpacePrefix =
            config.has(prefix + "add_space_prefix") ? try config.bool(prefix + "add_space_prefix") : nil
        vocabulary.removesExtraWhitespace =
            config.has(prefix + "remove_extra_whitespaces") ? try config.bool(prefix + "remove_extra_whitespaces") : nil
        vocabulary.charsmap =
            try gguf.ints(prefix + "precompiled_charsmap")?.map { UInt8(truncatingIfNeeded: $0) } ?? []
        try self.init(vocabulary)
    }
}
