extension Tokenizer {
    /// Builds the tokenizer that a GGUF file carries.
    /// - Throws: lists that are missing or do not fit each other, or an unknown model or pre-tokeniser.
    package init(_ gguf: GGUFVocabulary) throws(TokenizerError) {
        let gguf = try gguf.checked()
        switch gguf.model {
        case "gpt2": try self.init(byteLevel: gguf)
        case "llama": try self.init(sentencePiece: gguf)
        case "t5": try self.init(unigram: gguf)
        default: throw .unsupported(stage: "GGUF model", name: gguf.model)
        }
    }

    private init(byteLevel gguf: GGUFVocabulary) throws(TokenizerError) {
        let name = gguf.preTokenizer ?? ""
        guard let stages = GGUFVocabulary.preTokenizers[name] else { throw .unknownPreTokenizer(name: name) }
        var decoder = Decoder()
        decoder.isByteLevel = true
        self.init(
            gguf, model: .bytePairs(try gguf.byteLevel(stages)), normalizer: stages.normalizer,
            preTokenizer: stages.preTokenizer, decoder: decoder, addsStart: stages.addsStart, addsEnd: false)
    }

    private init(sentencePiece gguf: GGUFVocabulary) throws(TokenizerError) {
        self.init(
            gguf, model: .bytePairs(try gguf.sentencePiece()), normalizer: try Self.sentencePieceNormalizer(gguf),
            preTokenizer: nil, decoder: Self.sentencePieceDecoder(gguf), addsStart: true, addsEnd: false)
    }

    private init(unigram gguf: GGUFVocabulary) throws(TokenizerError) {
        self.init(
            gguf, model: .unigram(try gguf.unigram()), normalizer: try Self.sentencePieceNormalizer(gguf),
            preTokenizer: nil, decoder: Self.sentencePieceDecoder(gguf), addsStart: false, addsEnd: true)
    }

    private init(
        _ gguf: GGUFVocabulary, model: Model, normalizer: Normalizer?, preTokenizer: PreTokenizer?, decoder: Decoder,
        addsStart: Bool, addsEnd: Bool
    ) {
        func ids(_ id: Int?, _ isAdded: Bool) -> [Int] { isAdded ? id.map { [$0] } ?? [] : [] }
        self.init(
            model: model, normalizer: normalizer, preTokenizer: preTokenizer, decoder: decoder,
            addedTokens: AddedTokens(gguf.addedTokens(), normalizer: normalizer),
            prefix: ids(gguf.roles.start, gguf.addsStart ?? addsStart),
            suffix: ids(gguf.roles.end, gguf.addsEnd ?? addsEnd), roles: gguf.roles)
    }

    /// SentencePiece's own normalisation: rules, white space, a space in front, spaces written as U+2581.
    private static func sentencePieceNormalizer(_ gguf: GGUFVocabulary) throws(TokenizerError) -> Normalizer {
        let marker = Array("\u{2581}".utf8)
        var stages: [Normalizer] = []
        if !gguf.charsmap.isEmpty {
            stages.append(.charsmap(try PrecompiledCharsmap(gguf.charsmap), byCluster: false))
        }
        if gguf.removesExtraWhitespace ?? false { stages.append(.collapseSpaces) }
        if gguf.addsSpacePrefix ?? true { stages.append(.prepend(marker)) }
        stages.append(.replace(.literal([UInt8(ascii: " ")]), with: marker))
        // SentencePiece looks for white space at the end after escaping it, so a literal U+2581 goes too.
        if gguf.removesExtraWhitespace ?? false { stages.append(.dropSuffixes(marker)) }
        return .sequence(stages)
    }

    private static func sentencePieceDecoder(_ gguf: GGUFVocabulary) -> Decoder {
        var decoder = Decoder()
        decoder.replacements = [(Array("\u{2581}".utf8), [UInt8(ascii: " ")])]
        decoder.hasByteFallback = true
        decoder.leadingSpaces = gguf.addsSpacePrefix ?? true ? 1 : 0
        return decoder
    }
}
