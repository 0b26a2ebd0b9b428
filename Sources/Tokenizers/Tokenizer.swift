// Text to token ids and back, in the stages of Hugging Face's `tokenizers`:
// added tokens → normaliser → added tokens in normalised text → words → model → special tokens around it all.

/// A text tokenizer: byte-level BPE, SentencePiece BPE or unigram, as data.
package struct Tokenizer: Sendable {
    let model: Model
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer?
    let decoder: Decoder
    let addedTokens: AddedTokens
    /// Ids that go before and after every text.
    let prefix, suffix: [Int]

    package let roles: Roles

    /// Ids of the tokens with a role; nil where the model has none.
    package struct Roles: Sendable, Equatable {
        package var start, end, padding, unknown: Int?

        package init(start: Int? = nil, end: Int? = nil, padding: Int? = nil, unknown: Int? = nil) {
            self.start = start
            self.end = end
            self.padding = padding
            self.unknown = unknown
        }
    }

    enum Model: Sendable {
        case bytePairs(BytePairEncoding)
        case unigram(Unigram)

        var vocabulary: Vocabulary {
            switch self {
            case .bytePairs(let model): model.vocabulary
            case .unigram(let model): model.vocabulary
            }
        }
    }

    /// How much of what is in a text counts as a special token.
    package enum SpecialTokens: Sendable, Equatable {
        /// Special tokens written out in the text become that token, as in Hugging Face's `encode`.
        case parsed
        /// Special tokens written out in these ranges of the text's UTF-8 are ordinary text.
        case literal(in: [Range<Int>])
    }

    /// Ids and, for every one, the byte of the text's UTF-8 that it begins at.
    package struct Encoding: Sendable, Equatable {
        package var ids: [Int]
        package var origins: [Int]
    }

    /// The ids of a text, with the model's start and end tokens around them where it has such. O(n log n).
    package func encode(
        _ text: String, addingSpecialTokens: Bool = true, specialTokens: SpecialTokens = .parsed
    ) -> [Int] {
        let ids = run(text, specialTokens, isTracked: false).ids
        return addingSpecialTokens ? prefix + ids + suffix : ids
    }

    /// The ids of a text without start and end tokens, and where in the text each comes from.
    package func encodeWithOrigins(_ text: String, specialTokens: SpecialTokens = .parsed) -> Encoding {
        let run = run(text, specialTokens, isTracked: true)
        return Encoding(ids: run.ids, origins: run.starts)
    }

    /// The text of some ids. Ids without a token are passed over; bytes that are no UTF-8 become U+FFFD.
    package func decode(_ ids: some Sequence<Int>, skippingSpecialTokens: Bool = false) -> String {
        var decoder = StreamingDecoder(self, skippingSpecialTokens: skippingSpecialTokens)
        return decoder.decode(ids)
    }

    /// The id of a token as the vocabulary spells it.
    package func id(of token: String) -> Int? {
        addedTokens.id(of: token) ?? model.vocabulary.id(of: token)
    }

    /// The token of an id as the vocabulary spells it.
    package func token(_ id: Int) -> String? {
        addedTokens[id]?.content ?? model.vocabulary.bytes(of: id).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether an id marks structure rather than text.
    package func isSpecial(_ id: Int) -> Bool { addedTokens[id]?.isSpecial ?? false }

    /// One more than the highest id.
    package var vocabularySize: Int {
        max(model.vocabulary.count, (addedTokens.all.map(\.id).max() ?? -1) + 1)
    }

    /// The bytes an id stands for; nil if it has no token or is skipped.
    func bytes(of id: Int, isFirst: Bool, skippingSpecialTokens: Bool) -> [UInt8]? {
        if let added = addedTokens[id] {
            return added.isSpecial && skippingSpecialTokens ? nil : Array(added.content.utf8)
        }
        return model.vocabulary.bytes(of: id).map { decoder.bytes(of: $0, isFirst: isFirst) }
    }
}

// MARK: - Encoding

extension Tokenizer {
    /// Tokens with their starts in the text as given; without tracking, the starts mean nothing.
    private func run(_ text: String, _ specialTokens: SpecialTokens, isTracked: Bool) -> TokenRun {
        let bytes = Array(text.utf8)
        var literal: [Range<Int>] = []
        if case .literal(let ranges) = specialTokens { literal = ranges }
        var encoder = Encoder(self)
        for part in addedTokens.cutRaw(bytes, literal: literal) {
            if let id = part.id {
                encoder.run.append(id, at: part.range.lowerBound)
                continue
            }
            var piece = AlignedText(
                Array(bytes[part.range]), offset: part.range.lowerBound, isTracked: isTracked)
            if let normalizer { piece = normalizer.apply(to: piece) }
            let isLiteral = literal.contains { $0.overlaps(part.range) }
            encoder.append(piece, ignoringSpecials: isLiteral)
        }
        return encoder.run
    }

    /// The state of one encoding.
    private struct Encoder {
        let tokenizer: Tokenizer
        var run = TokenRun()
        private var local = TokenRun()
        private var scratch = BytePairEncoding.Scratch()
        private var cache: WordCache?

        init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

        /// Appends the tokens of a stretch of normalised text.
        mutating func append(_ text: AlignedText, ignoringSpecials: Bool) {
            let parts = tokenizer.addedTokens.cutNormalized(text.bytes, ignoresSpecials: ignoringSpecials)
            for part in parts {
                if let id = part.id {
                    run.append(id, at: text.origin(of: part.range.lowerBound) ?? 0)
                } else if part.range.count == text.bytes.count {
                    append(wordsOf: text)
                } else {
                    append(wordsOf: text.part(part.range))
                }
            }
        }

        private mutating func append(wordsOf text: AlignedText) {
            let wholeText = Words(text: text, ranges: text.bytes.isEmpty ? [] : [0..<text.bytes.count])
            let words = tokenizer.preTokenizer?.words(of: text) ?? wholeText
            local.removeAll()
            // Making room for the cache takes longer than a prompt.
            cache = words.ranges.count > 256 ? WordCache() : nil
            for word in words.ranges { append(word, of: words.text.bytes) }
            for (id, start) in zip(local.ids, local.starts) { run.append(id, at: words.text.origin(of: start) ?? 0) }
        }

        private mutating func append(_ word: Range<Int>, of bytes: [UInt8]) {
            if let known = cache?.find(bytes, word) {
                local.repeatTokens(known.tokens, movedBy: word.lowerBound - known.start)
                return
            }
            let first = local.ids.count
            switch tokenizer.model {
            case .bytePairs(let model): model.encode(bytes, word, into: &local, &scratch)
            case .unigram(let model): model.encode(bytes, word, into: &local)
            }
            cache?.insert(bytes, word, tokens: first..<local.ids.count)
        }
    }
}
