/// The tokenizer that a GGUF file carries in its metadata, as plain values.
package struct GGUFVocabulary: Sendable {
    /// `tokenizer.ggml.model`: gpt2 (byte-level BPE), llama (SentencePiece BPE) or t5 (unigram).
    package var model: String
    /// `tokenizer.ggml.pre`: how byte-level BPE cuts text into words.
    package var preTokenizer: String?
    /// `tokenizer.ggml.tokens`, by id.
    package var tokens: [String]
    /// `tokenizer.ggml.scores`, by id; llama and t5 need them.
    package var scores: [Float] = []
    /// `tokenizer.ggml.token_type`, by id: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte.
    package var types: [Int32] = []
    /// `tokenizer.ggml.merges`; gpt2 needs them.
    package var merges: [String] = []
    /// `tokenizer.ggml.{bos,eos,padding,unknown}_token_id`; converters write 2³² − 1 for none.
    package var roles = Tokenizer.Roles()
    /// `tokenizer.ggml.add_bos_token` and `add_eos_token`; what is usual for the model if nil.
    package var addsStart, addsEnd: Bool?
    /// `tokenizer.ggml.add_space_prefix`; true if nil.
    package var addsSpacePrefix: Bool?
    /// `tokenizer.ggml.remove_extra_whitespaces`; false if nil.
    package var removesExtraWhitespace: Bool?
    /// `tokenizer.ggml.precompiled_charsmap`.
    package var charsmap: [UInt8] = []

    package init(model: String, tokens: [String]) {
        self.model = model
        self.tokens = tokens
    }

    /// The pre-tokenisers of byte-level vocabularies, by their name in `tokenizer.ggml.pre`.
    package static var knownPreTokenizers: [String] { preTokenizers.keys.sorted() }

    /// What a name in `tokenizer.ggml.pre` stands for.
    struct ByteLevelStages: Sendable {
        var normalizer: Normalizer?
        var preTokenizer: PreTokenizer
        var takesWholeWords = false
        var addsStart = false
    }

    static let preTokenizers: [String: ByteLevelStages] = {
        func words(_ pattern: WordPattern) -> PreTokenizer { .split(.words(pattern), .isolated, inverted: false) }
        let gpt2 = ByteLevelStages(preTokenizer: words(.gpt2))
        let smollm = ByteLevelStages(
            preTokenizer: .sequence([.split(.numbers(atMost: 1), .isolated, inverted: false), words(.gpt2)]))
        let qwen2 = ByteLevelStages(normalizer: .canonical(.composed), preTokenizer: words(.gpt4(numbers: 1)))
        let llama3 = ByteLevelStages(
            preTokenizer: words(.gpt4(numbers: 3)), takesWholeWords: true, addsStart: true)
        return [
            "gpt-2": gpt2, "smollm": smollm, "qwen2": qwen2, "deepseek-r1-qwen": qwen2,
            "llama-bpe": llama3, "llama3": llama3, "llama-v3": llama3,
        ]
    }()
}

extension GGUFVocabulary {
    private enum TokenType: Int32 {
        case normal = 1, unknown, control, userDefined, unused, byte
    }

    private func type(of id: Int) -> TokenType {
        types.isEmpty ? .normal : TokenType(rawValue: types[id]) ?? .normal
    }

    /// The vocabulary with its lists and ids checked.
    func checked() throws(TokenizerError) -> Self {
        var checked = self
        for role in [\Tokenizer.Roles.start, \.end, \.padding, \.unknown] {
            if roles[keyPath: role] == Int(UInt32.max) || roles[keyPath: role] == -1 {
                checked.roles[keyPath: role] = nil
            }
        }
        try checked.check()
        return checked
    }

    private func check() throws(TokenizerError) {
        guard !tokens.isEmpty else { throw .missing(field: "tokenizer.ggml.tokens") }
        guard types.isEmpty || types.count == tokens.count else {
            throw .lengthMismatch(field: "tokenizer.ggml.token_type", expected: tokens.count, found: types.count)
        }
        for id in [roles.start, roles.end, roles.padding, roles.unknown].compactMap(\.self) {
            guard tokens.indices.contains(id) else { throw .invalidID(token: "special token", id: id) }
        }
    }

    private func checkScores() throws(TokenizerError) {
        guard scores.count == tokens.count else {
            throw .lengthMismatch(field: "tokenizer.ggml.scores", expected: tokens.count, found: scores.count)
        }
    }

    /// Tokens that are found in text before the model sees it.
    func addedTokens() -> [AddedToken] {
        tokens.indices.compactMap { id in
            switch type(of: id) {
            case .control, .unknown: AddedToken(id: id, content: tokens[id])
            case .userDefined: AddedToken(id: id, content: tokens[id], isSpecial: false)
            case .normal, .unused, .byte: nil
            }
        }
    }

    private func vocabulary(spelledWithMarker: Bool) throws(TokenizerError) -> Vocabulary {
        var vocabulary = Vocabulary(capacity: tokens.count)
        for (id, token) in tokens.enumerated() {
            guard spelledWithMarker, token.utf8.contains(UInt8(ascii: " ")), type(of: id) != .control else {
                try vocabulary.add(token.utf8, id: id)
                continue
            }
            // Some converters write the marker as the space it stands for.
            let space = UInt8(ascii: " ")
            try vocabulary.add(token.utf8.flatMap { $0 == space ? Array("\u{2581}".utf8) : [$0] }, id: id)
        }
        return vocabulary
    }

    /// Byte-level BPE.
    func byteLevel(_ stages: ByteLevelStages) throws(TokenizerError) -> BytePairEncoding {
        guard !merges.isEmpty else { throw .missingMerges }
        let vocabulary = try vocabulary(spelledWithMarker: false)
        var builder = MergeTable.Builder(vocabulary)
        for merge in merges { try builder.add(line: merge.utf8) }
        return BytePairEncoding(
            vocabulary: vocabulary, merges: builder.table,
            symbols: .init(bytesOf: vocabulary, suffix: [], unknown: nil), takesWholeWords: stages.takesWholeWords)
    }

    /// SentencePiece BPE: two neighbours merge if together they are a token, the highest score first.
    func sentencePiece() throws(TokenizerError) -> BytePairEncoding {
        try checkScores()
        let vocabulary = try vocabulary(spelledWithMarker: true)
        var merges = MergeTable(capacity: tokens.count * 4)
        var rank = -1
        var lastScore = Float.nan
        let mergeable = tokens.indices.filter { [.normal, .userDefined].contains(type(of: $0)) }
        for id in mergeable.sorted(by: { scores[$0] > scores[$1] }) {
            if scores[id] != lastScore { rank += 1 }
            lastScore = scores[id]
            guard let bytes = vocabulary.bytes(of: id).map(Array.init) else { continue }
            for middle in bytes.indices.dropFirst() where bytes[middle] & 0xC0 != 0x80 {
                guard let left = vocabulary.id(of: bytes, 0..<middle),
                    let right = vocabulary.id(of: bytes, middle..<bytes.count)
                else { continue }
                merges.add(
                    Int32(truncatingIfNeeded: left), Int32(truncatingIfNeeded: right), rank: rank, result: id)
            }
        }
        return BytePairEncoding(
            vocabulary: vocabulary, merges: merges,
            symbols: .scalars(
                suffix: [], fallback: ByteFallback(vocabulary),
                unknown: roles.unknown.map { Int32(truncatingIfNeeded: $0) }, fusesUnknown: true),
            takesWholeWords: false)
    }

    /// Unigram.
    func unigram() throws(TokenizerError) -> Unigram {
        try checkScores()
        let vocabulary = try vocabulary(spelledWithMarker: true)
        return Unigram(
            vocabulary, scores: scores.map(Double.init),
            matching: tokens.indices.filter { [.normal, .userDefined].contains(type(of: $0)) },
            unknown: roles.unknown, fallback: ByteFallback(vocabulary), precision: .single)
    }
}
