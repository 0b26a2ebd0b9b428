// CLIP's text tokenizer: byte pairs that end words with `</w>`, 77 positions, start and end tokens.
//
// Reference  `CLIPTokenizer` of transformers 5

import JSON

package struct CLIPTokenizer: Sendable {
    /// The tokenizer underneath, without padding and cutting.
    package let tokenizer: Tokenizer
    /// Length of every encoded prompt, start and end tokens included.
    package let contextLength: Int
    package let start, end: Int
    /// Fills prompts up. CLIP ViT-L pads with `<|endoftext|>`; OpenCLIP's models (SD 2, the second of SDXL) with `!`.
    package let padding: Int

    /// A prompt as the text encoder takes it.
    package struct Prompt: Sendable, Equatable {
        /// Exactly `contextLength` ids: start, the prompt, end, padding.
        package var ids: [Int]
        /// Tokens of the whole prompt before cutting, without start and end.
        package var tokenCount: Int
        /// The end of the prompt that did not fit, as the caller wrote it; empty if everything fitted.
        package var truncatedText: String
    }

    package func encode(_ prompt: String) -> Prompt {
        let encoding = tokenizer.encodeWithOrigins(prompt)
        let room = max(contextLength - 2, 0)
        var ids = [start] + encoding.ids.prefix(room) + [end]
        ids += repeatElement(padding, count: max(contextLength - ids.count, 0))
        var truncatedText = ""
        if encoding.ids.count > room {
            let bytes = Array(prompt.utf8)
            var cut = encoding.origins[room]
            while cut > 0, bytes[cut] & 0xC0 == 0x80 { cut -= 1 }
            truncatedText = String(decoding: bytes[cut...], as: UTF8.self)
        }
        return Prompt(ids: ids, tokenCount: encoding.ids.count, truncatedText: truncatedText)
    }

    /// The text of some ids: words separated by single spaces.
    package func decode(_ ids: some Sequence<Int>, skippingSpecialTokens: Bool = true) -> String {
        let text = Array(tokenizer.decode(ids, skippingSpecialTokens: skippingSpecialTokens).utf8)
        let words = text.replacing(Array("</w>".utf8), with: [UInt8(ascii: " ")])
        let end = words.lastIndex { $0 != UInt8(ascii: " ") }.map { $0 + 1 } ?? 0
        return String(decoding: words[..<end].drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
    }
}

extension Tokenizer {
    /// The same, padding with the token that `value` names; transformers then looks for that token in text as well.
    fileprivate func padding(with value: JSONPlace) throws(TokenizerError) -> Tokenizer {
        let object = value.kind == .object ? try value.object() : nil
        let content = if let object { try object.required("content").string() } else { try value.string() }
        guard let id = id(of: content) else { return self }
        var added = Array(addedTokens.all)
        if !added.contains(where: { $0.id == id }) {
            var token = AddedToken(id: id, content: content)
            if let object { token = try AddedToken(id: id, object) }
            token.isSpecial = true
            added.append(token)
        }
        var roles = roles
        roles.padding = id
        return Tokenizer(
            model: model, normalizer: normalizer, preTokenizer: preTokenizer, decoder: decoder,
            addedTokens: AddedTokens(added, normalizer: normalizer), prefix: prefix, suffix: suffix, roles: roles)
    }
}

// MARK: - Loading

extension CLIPTokenizer {
    /// Builds the tokenizer of a diffusers or transformers folder from the content of `vocab.json` and `merges.txt`,
    /// and of `tokenizer_config.json` and `special_tokens_map.json`, which overrides it, where they are there.
    package init(
        vocabulary: [UInt8], merges: [UInt8], config: [UInt8]? = nil, specialTokensMap: [UInt8]? = nil
    ) throws(TokenizerError) {
        let vocabulary = try Vocabulary(document: vocabulary)
        var settings: JSONPlace.Object?
        if let config { settings = try JSONPlace.root(config) }
        var map: JSONPlace.Object?
        if let specialTokensMap { map = try JSONPlace.root(specialTokensMap) }
        let special = try SpecialTokens(settings, map, vocabulary)

        let normalizer = Normalizer.sequence([
            .canonical(.composed), .replace(.whitespace, with: [UInt8(ascii: " ")]), .lowercase,
        ])
        let model = BytePairEncoding(
            vocabulary: vocabulary, merges: try MergeTable(text: merges, vocabulary),
            symbols: .init(bytesOf: vocabulary, suffix: Array("</w>".utf8), unknown: special.roles.unknown),
            takesWholeWords: false)
        var decoder = Decoder()
        decoder.isByteLevel = true
        let tokenizer = Tokenizer(
            model: .bytePairs(model), normalizer: normalizer,
            preTokenizer: .sequence([
                .split(.words(.clip(namesSpecials: true)), .removed, inverted: true),
                .split(.words(.gpt2), .isolated, inverted: false),
            ]),
            decoder: decoder, addedTokens: AddedTokens(special.tokens, normalizer: normalizer),
            prefix: [special.roles.start].compactMap(\.self), suffix: [special.roles.end].compactMap(\.self),
            roles: special.roles)
        try self.init(tokenizer, settings)
    }

    /// Builds the tokenizer of a folder from the content of `tokenizer.json`, and of `tokenizer_config.json` and
    /// `special_tokens_map.json`, which overrides it, where they are there.
    package init(
        json: [UInt8], config: [UInt8]? = nil, specialTokensMap: [UInt8]? = nil
    ) throws(TokenizerError) {
        var settings: JSONPlace.Object?
        if let config { settings = try JSONPlace.root(config) }
        var map: JSONPlace.Object?
        if let specialTokensMap, settings?["added_tokens_decoder"] == nil { map = try JSONPlace.root(specialTokensMap) }
        var tokenizer = try Tokenizer(json: json, config: config)
        if let value = map?["pad_token"] ?? settings?["pad_token"] { tokenizer = try tokenizer.padding(with: value) }
        try self.init(tokenizer, settings)
    }

    private init(_ tokenizer: Tokenizer, _ settings: JSONPlace.Object?) throws(TokenizerError) {
        guard let start = tokenizer.prefix.first, let end = tokenizer.suffix.last else {
            throw .missing(field: "post_processor with a start and an end token")
        }
        self.tokenizer = tokenizer
        self.start = start
        self.end = end
        padding = tokenizer.roles.padding ?? end
        contextLength = try Self.contextLength(settings)
    }

    /// `model_max_length`, where it is a length; transformers writes 10³⁰ for "none".
    private static func contextLength(_ settings: JSONPlace.Object?) throws(TokenizerError) -> Int {
        guard var cursor = settings?["model_max_length"]?.cursor else { return 77 }
        let length = try cursor.double()
        return (3...65_536).contains(length) ? Int(length) : 77
    }

    /// Which tokens are special, and how text is searched for them, as transformers decides it.
    private struct SpecialTokens {
        private(set) var tokens: [AddedToken] = []
        private(set) var roles = Tokenizer.Roles()

        init(_ config: JSONPlace.Object?, _ map: JSONPlace.Object?, _ vocabulary: Vocabulary) throws(TokenizerError) {
            let decoder = try config?["added_tokens_decoder"]?.object()
            for (name, entry) in decoder?.members ?? [] {
                guard let id = Int(name) else { throw .invalidID(token: name, id: -1) }
                set(try AddedToken(id: id, entry.object()))
            }
            let map = decoder == nil ? map : nil
            let end = "<|endoftext|>"
            roles.start = try add("bos_token", default: "<|startoftext|>", config, map, vocabulary)
            roles.end = try add("eos_token", default: end, config, map, vocabulary)
            roles.unknown = try add("unk_token", default: end, config, map, vocabulary)
            roles.padding = try add("pad_token", default: end, config, map, vocabulary)
        }

        /// A token given as an object says how it is found; one given as a string is found in the text as written,
        /// unless `added_tokens_decoder` knows it.
        private mutating func add(
            _ field: String, default fallback: String, _ config: JSONPlace.Object?, _ map: JSONPlace.Object?,
            _ vocabulary: Vocabulary
        ) throws(TokenizerError) -> Int {
            let value = map?[field] ?? config?[field]
            if let value, value.kind == .object {
                let object = try value.object()
                var token = try AddedToken(id: vocabulary.required(object.required("content").string()), object)
                token.isSpecial = true
                set(token)
                return token.id
            }
            let content = try value?.string() ?? fallback
            if value != nil, config?["added_tokens_decoder"] != nil,
                let known = tokens.first(where: { $0.content.utf8.elementsEqual(content.utf8) })
            {
                return known.id
            }
            let id = try vocabulary.required(content)
            set(AddedToken(id: id, content: content))
            return id
        }

        private mutating func set(_ token: AddedToken) {
            tokens.removeAll { $0.id == token.id }
            tokens.append(token)
        }
    }
}
