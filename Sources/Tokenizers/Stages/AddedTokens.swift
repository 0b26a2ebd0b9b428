/// A token that stands outside the model: found in text as a whole, before the model sees the text.
package struct AddedToken: Sendable, Equatable {
    package var id: Int
    package var content: String
    /// Marks structure (start of text, end of a turn) rather than text.
    package var isSpecial: Bool
    /// Looked for in normalised text, with its own content normalised too.
    package var isNormalized: Bool
    /// Takes the white space before or after it along.
    package var stripsLeft: Bool
    package var stripsRight: Bool
    /// Not found inside a word.
    package var isSingleWord: Bool

    package init(
        id: Int, content: String, isSpecial: Bool = true, isNormalized: Bool = false,
        stripsLeft: Bool = false, stripsRight: Bool = false, isSingleWord: Bool = false
    ) {
        self.id = id
        self.content = content
        self.isSpecial = isSpecial
        self.isNormalized = isNormalized
        self.stripsLeft = stripsLeft
        self.stripsRight = stripsRight
        self.isSingleWord = isSingleWord
    }
}

/// All added tokens of a tokenizer and the search for them.
struct AddedTokens: Sendable {
    private let tokens: [Int: AddedToken]
    private let raw: Trie
    private let normalized: Trie

    init(_ list: [AddedToken], normalizer: Normalizer?) {
        var tokens: [Int: AddedToken] = [:]
        for token in list { tokens[token.id] = token }
        self.tokens = tokens
        raw = Trie(list.filter { !$0.isNormalized }.map { (Array($0.content.utf8)[...], $0.id) })
        normalized = Trie(
            list.filter(\.isNormalized).map { token in
                let content = AlignedText(Array(token.content.utf8), offset: 0, isTracked: false)
                return ((normalizer?.apply(to: content) ?? content).bytes[...], token.id)
            })
    }

    subscript(id: Int) -> AddedToken? { tokens[id] }

    /// The id of the token with exactly this content.
    func id(of content: String) -> Int? {
        tokens.values.first { $0.content.utf8.elementsEqual(content.utf8) }?.id
    }

    var all: some Collection<AddedToken> { tokens.values }

    /// A stretch of text: a token, or text between tokens.
    struct Part {
        let range: Range<Int>
        let id: Int?
    }

    /// Cuts text as given at the tokens looked for there; in `literal` ranges special tokens are text like any other.
    func cutRaw(_ bytes: [UInt8], literal: [Range<Int>]) -> [Part] { cut(bytes, raw, literal: literal) }

    /// Cuts normalised text at the tokens looked for there, special ones only if they are not to be ignored.
    func cutNormalized(_ bytes: [UInt8], ignoresSpecials: Bool) -> [Part] {
        cut(bytes, normalized, literal: ignoresSpecials ? [0..<bytes.count] : [])
    }

    private func cut(_ bytes: [UInt8], _ trie: Trie, literal: [Range<Int>]) -> [Part] {
        let whole = [Part(range: 0..<bytes.count, id: nil)]
        guard !trie.isEmpty, !bytes.isEmpty else { return whole }
        var parts: [Part] = []
        var textStart = 0
        var offset = 0
        while offset < bytes.count {
            guard let (end, id) = longestToken(in: bytes, at: offset, trie, literal) else {
                offset += 1
                continue
            }
            var range = offset..<end
            offset = end
            if let token = tokens[id] {
                if token.isSingleWord, Self.touchesWord(bytes, range) { continue }
                if token.stripsLeft { range = Self.whitespaceStart(bytes, range.lowerBound)..<range.upperBound }
                if token.stripsRight { range = range.lowerBound..<Self.whitespaceEnd(bytes, range.upperBound) }
                range = max(range.lowerBound, textStart)..<range.upperBound
            }
            if textStart < range.lowerBound { parts.append(Part(range: textStart..<range.lowerBound, id: nil)) }
            parts.append(Part(range: range, id: id))
            textStart = range.upperBound
            offset = max(offset, textStart)
        }
        if textStart < bytes.count { parts.append(Part(range: textStart..<bytes.count, id: nil)) }
        return parts
    }

    private func longestToken(
        in bytes: [UInt8], at start: Int, _ trie: Trie, _ literal: [Range<Int>]
    ) -> (end: Int, id: Int)? {
        guard !literal.isEmpty else { return trie.longestPrefix(of: bytes, from: start, before: bytes.count) }
        var longest: (end: Int, id: Int)?
        trie.forEachPrefix(of: bytes, from: start, before: bytes.count) { end, id in
            let isSpecial = tokens[id]?.isSpecial ?? true
            if !isSpecial || !literal.contains(where: { $0.overlaps(start..<end) }) { longest = (end, id) }
        }
        return longest
    }

    private static func touchesWord(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        func isWord(at offset: Int) -> Bool { self.isWord(bytes.scalar(at: offset, before: bytes.count).value) }
        if let before = scalarStart(bytes, before: range.lowerBound), isWord(at: before) { return true }
        return range.upperBound < bytes.count && isWord(at: range.upperBound)
    }

    /// `\w`: alphabetic, mark, decimal digit, connector or join control.
    private static func isWord(_ value: UInt32) -> Bool {
        guard let properties = Unicode.Scalar(value)?.properties else { return false }
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }

    private static func scalarStart(_ bytes: [UInt8], before offset: Int) -> Int? {
        guard offset > 0 else { return nil }
        var start = offset - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    private static func whitespaceStart(_ bytes: [UInt8], _ offset: Int) -> Int {
        var result = offset
        while let start = scalarStart(bytes, before: result),
            ScalarClass(bytes.scalar(at: start, before: bytes.count).value) == .whitespace
        { result = start }
        return result
    }

    private static func whitespaceEnd(_ bytes: [UInt8], _ offset: Int) -> Int {
        var result = offset
        while result < bytes.count {
            let (value, length) = bytes.scalar(at: result, before: bytes.count)
            guard ScalarClass(value) == .whitespace else { break }
            result += length
        }
        return result
    }
}
