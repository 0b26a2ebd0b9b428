/// How tokens become text again: the `decoder` of `tokenizer.json`, boiled down to what it does to a token's bytes.
struct Decoder: Sendable {
    /// Tokens are spelled in the byte alphabet.
    var isByteLevel = false
    /// `<0xE2>` is the byte E2.
    var hasByteFallback = false
    /// Applied to every token in order.
    var replacements: [(pattern: [UInt8], replacement: [UInt8])] = []
    /// The first token loses every `marker` (Metaspace), before the replacements.
    var firstMarker: [UInt8]?
    /// So many spaces at the beginning of the text go.
    var leadingSpaces = 0

    /// The bytes a model's token stands for.
    func bytes(of token: ArraySlice<UInt8>, isFirst: Bool) -> [UInt8] {
        var result: [UInt8] = []
        if isByteLevel {
            if !ByteAlphabet.read(token, into: &result) { result.append(contentsOf: token) }
            return result
        }
        result = Array(token)
        if isFirst, let firstMarker { result = result.replacing(firstMarker, with: []) }
        for (pattern, replacement) in replacements { result = result.replacing(pattern, with: replacement) }
        if hasByteFallback, let byte = Self.fallbackByte(result) { return [byte] }
        return result
    }

    /// The byte that a token `<0xNN>` stands for.
    private static func fallbackByte(_ token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }
}

/// Turns tokens into text as they come, and never gives half a character away.
///
/// A character may be spread over several tokens; its bytes wait until it is complete.
package struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    private var pending: [UInt8] = []
    private var isFirst = true
    private var leadingSpaces: Int

    package init(_ tokenizer: Tokenizer, skippingSpecialTokens: Bool = true) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skippingSpecialTokens
        leadingSpaces = tokenizer.decoder.leadingSpaces
    }

    /// The text that a token completes, empty if there is none yet. Ids without a token give nothing.
    package mutating func append(_ id: Int) -> String {
        take(id)
        let end = pending.count - Self.incompleteTail(pending)
        defer { pending.removeFirst(end) }
        return String(decoding: pending[..<end], as: UTF8.self)
    }

    /// What is left when no token follows; bytes that never became a character read as U+FFFD.
    package mutating func finish() -> String {
        defer { pending.removeAll() }
        return String(decoding: pending, as: UTF8.self)
    }

    private mutating func take(_ id: Int) {
        guard let bytes = tokenizer.bytes(of: id, isFirst: isFirst, skippingSpecialTokens: skipsSpecialTokens)
        else { return }
        isFirst = false
        var rest = bytes[...]
        while leadingSpaces > 0, let byte = rest.first {
            guard byte == UInt8(ascii: " ") else {
                leadingSpaces = 0
                break
            }
            leadingSpaces -= 1
            rest.removeFirst()
        }
        pending.append(contentsOf: rest)
    }

    /// How many bytes at the end begin a character that more bytes could complete.
    private static func incompleteTail(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            if byte & 0xC0 == 0x80 { continue }
            return utf8Length(byte) > length ? length : 0
        }
        return 0
    }

    /// All of `ids` at once.
    mutating func decode(_ ids: some Sequence<Int>) -> String {
        for id in ids { take(id) }
        return finish()
    }
}
