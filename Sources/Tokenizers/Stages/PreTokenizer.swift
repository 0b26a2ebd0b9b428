/// How normalised text becomes words, the pieces a model sees one at a time: the `pre_tokenizer` of `tokenizer.json`.
indirect enum PreTokenizer: Sendable {
    case split(TextPattern, SplitBehavior, inverted: Bool)
    /// Cuts at white space and drops it.
    case splitWhitespace
    /// Writes spaces as `replacement` and marks the beginning of words with it.
    case metaspace(replacement: [UInt8], prefix: MetaspacePrefix, splits: Bool)
    /// Puts a space before words that have none. (Words turn into bytes inside the model.)
    case prefixSpace
    case sequence([PreTokenizer])

    /// The text and its words in order; words are never empty.
    func words(of text: AlignedText) -> Words {
        apply(to: Words(text: text, ranges: text.bytes.isEmpty ? [] : [0..<text.bytes.count]))
    }

    private func apply(to words: Words) -> Words {
        switch self {
        case .split(let pattern, let behavior, let inverted):
            words.cut { bytes, word, pieces in
                let matches = pattern.matches(in: bytes, word)
                behavior.cut(word, at: matches, inverted: inverted, into: &pieces)
            }
        case .splitWhitespace:
            words.cut { bytes, word, pieces in
                let matches = TextPattern.whitespace.matches(in: bytes, word)
                SplitBehavior.removed.cut(word, at: matches, inverted: false, into: &pieces)
            }
        case .metaspace(let replacement, let prefix, let splits):
            Self.metaspace(words, replacement: replacement, prefix: prefix, splits: splits)
        case .prefixSpace:
            words.rewritten { bytes, word, editor in
                if bytes[word.lowerBound] != UInt8(ascii: " ") {
                    editor.replace(word.lowerBound..<word.lowerBound, with: CollectionOfOne(UInt8(ascii: " ")))
                }
                editor.keep(word)
            }
        case .sequence(let stages):
            stages.reduce(words) { $1.apply(to: $0) }
        }
    }

    private static func metaspace(
        _ words: Words, replacement: [UInt8], prefix: MetaspacePrefix, splits: Bool
    ) -> Words {
        let isFirst = words.text.isFirst
        let marked = words.rewritten { bytes, word, editor in
            let begins =
                bytes[word.lowerBound] == UInt8(ascii: " ")
                || bytes.matches(replacement, at: word.lowerBound, before: word.upperBound)
            if !begins, prefix == .always || prefix == .first && isFirst && word.lowerBound == 0 {
                editor.replace(word.lowerBound..<word.lowerBound, with: replacement)
            }
            var start = word.lowerBound
            for offset in word where bytes[offset] == UInt8(ascii: " ") {
                editor.keep(start..<offset)
                editor.replace(offset..<offset + 1, with: replacement)
                start = offset + 1
            }
            editor.keep(start..<word.upperBound)
        }
        guard splits else { return marked }
        return marked.cut { bytes, word, pieces in
            let matches = TextPattern.literal(replacement).matches(in: bytes, word)
            SplitBehavior.mergedWithNext.cut(word, at: matches, inverted: false, into: &pieces)
        }
    }
}

enum MetaspacePrefix: String, Sendable {
    case always, never, first
}

/// Text and the ranges of its bytes that are words, in order.
struct Words: Sendable {
    var text: AlignedText
    var ranges: [Range<Int>]

    /// The same text with every word cut into pieces.
    func cut(_ cut: (_ bytes: [UInt8], _ word: Range<Int>, _ pieces: inout [Range<Int>]) -> Void) -> Words {
        var pieces: [Range<Int>] = []
        pieces.reserveCapacity(ranges.count)
        for range in ranges { cut(text.bytes, range, &pieces) }
        return Words(text: text, ranges: pieces)
    }

    /// The same words with new bytes; what lies between them is dropped.
    func rewritten(
        _ rewrite: (_ bytes: [UInt8], _ word: Range<Int>, _ editor: inout AlignedText.Editor) -> Void
    ) -> Words {
        var ranges: [Range<Int>] = []
        let text = text.edited { editor in
            for range in self.ranges {
                let start = editor.result.bytes.count
                rewrite(self.text.bytes, range, &editor)
                ranges.append(start..<editor.result.bytes.count)
            }
        }
        return Words(text: text, ranges: ranges)
    }
}

/// What becomes of the matches of a pattern that splits.
enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// Appends the pieces of `word`; `inverted`, what lies between the matches is the separator.
    func cut(_ word: Range<Int>, at matches: [Range<Int>], inverted: Bool, into pieces: inout [Range<Int>]) {
        var mayMerge = false
        Self.forEachPart(of: word, matches) { part, isMatch in
            let isSeparator = isMatch != inverted
            switch self {
            case .removed:
                if !isSeparator { pieces.append(part) }
            case .isolated:
                pieces.append(part)
            case .mergedWithPrevious:
                if isSeparator, mayMerge, let last = pieces.popLast() {
                    pieces.append(last.lowerBound..<part.upperBound)
                } else {
                    pieces.append(part)
                }
                mayMerge = !isSeparator
            case .mergedWithNext:
                if !isSeparator, mayMerge, let last = pieces.popLast() {
                    pieces.append(last.lowerBound..<part.upperBound)
                } else {
                    pieces.append(part)
                }
                mayMerge = isSeparator
            case .contiguous:
                if isSeparator, mayMerge, let last = pieces.popLast() {
                    pieces.append(last.lowerBound..<part.upperBound)
                } else {
                    pieces.append(part)
                }
                mayMerge = isSeparator
            }
        }
    }

    /// Visits matches and what lies between them in order.
    @inline(__always)
    private static func forEachPart(
        of word: Range<Int>, _ matches: [Range<Int>], _ body: (_ part: Range<Int>, _ isMatch: Bool) -> Void
    ) {
        var offset = word.lowerBound
        for match in matches {
            if offset < match.lowerBound { body(offset..<match.lowerBound, false) }
            body(match, true)
            offset = match.upperBound
        }
        if offset < word.upperBound { body(offset..<word.upperBound, false) }
    }
}
