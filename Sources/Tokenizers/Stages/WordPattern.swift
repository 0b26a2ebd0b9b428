/// The patterns by which byte-level tokenizers cut text into words.
enum WordPattern: Sendable, Equatable {
    /// GPT-2: contractions; letters, numbers or anything else with at most one space before; white space.
    case gpt2
    /// GPT-4 and its heirs (Llama 3: numbers in threes, Qwen2: one by one): any one scalar may stand before letters,
    /// line breaks stay with the punctuation before them, white space that holds a line break ends with it.
    case gpt4(numbers: Int)
    /// CLIP: contractions, letters, single numbers, anything else; white space matches nothing.
    case clip(namesSpecials: Bool)

    init?(regularExpression source: String) {
        guard let pattern = Self.known[source] else { return nil }
        self = pattern
    }

    /// The regular expressions by their exact text in `tokenizer.json`.
    private static let known: [String: Self] = {
        let contractions = "'s|'t|'re|'ve|'m|'ll|'d"
        let gpt4Tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        let gpt4Head = "(?i:\(contractions))" + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"#
        let clipTail = #"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
        return [
            contractions + #"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
            gpt4Head + #"\p{N}{1,3}"# + gpt4Tail: .gpt4(numbers: 3),
            gpt4Head + #"\p{N}"# + gpt4Tail: .gpt4(numbers: 1),
            contractions + clipTail: .clip(namesSpecials: false),
            #"<\|startoftext\|>|<\|endoftext\|>|"# + contractions + clipTail: .clip(namesSpecials: true),
        ]
    }()

    /// End of the match that begins at `start`; nil if there is none.
    func match(in bytes: [UInt8], at start: Int, before end: Int) -> Int? {
        let text = Scan(bytes: bytes, end: end)
        return switch self {
        case .gpt2: Self.matchGPT2(text, start)
        case .gpt4(let numbers): Self.matchGPT4(text, start, numbers: numbers)
        case .clip(let namesSpecials): Self.matchCLIP(text, start, namesSpecials: namesSpecials)
        }
    }

    private static func matchGPT2(_ text: Scan, _ start: Int) -> Int {
        if let end = text.contraction(at: start, ignoringCase: false) { return end }
        let first = text[start]
        let afterSpace = text.bytes[start] == UInt8(ascii: " ") ? start + 1 : start
        if afterSpace < text.end {
            let kind = text[afterSpace].kind
            if kind != .whitespace { return text.run(of: kind, from: afterSpace) }
        }
        return text.whitespace(from: start + first.length)
            ?? start + first.length
    }

    private static func matchGPT4(_ text: Scan, _ start: Int, numbers: Int) -> Int {
        if let end = text.contraction(at: start, ignoringCase: true) { return end }
        let first = text[start]
        let next = start + first.length
        switch first.kind {
        case .letter:
            return text.run(of: .letter, from: next)
        case .number:
            return text.run(of: .number, from: next, atMost: numbers - 1)
        case .other, .whitespace:
            let isBreak = text.isLineBreak(at: start)
            if !isBreak, next < text.end, text[next].kind == .letter { return text.run(of: .letter, from: next) }
            var punctuation = start
            if text.bytes[start] == UInt8(ascii: " ") { punctuation = next }
            if punctuation < text.end, text[punctuation].kind == .other {
                var end = text.run(of: .other, from: punctuation)
                while end < text.end, text.isLineBreak(at: end) { end += 1 }
                return end
            }
            return text.lastLineBreak(from: start) ?? text.whitespace(from: next) ?? next
        }
    }

    private static func matchCLIP(_ text: Scan, _ start: Int, namesSpecials: Bool) -> Int? {
        if namesSpecials {
            for special in [startOfText, endOfText] where text.bytes.matches(special, at: start, before: text.end) {
                return start + special.count
            }
        }
        if let end = text.contraction(at: start, ignoringCase: false) { return end }
        let first = text[start]
        switch first.kind {
        case .whitespace: return nil
        case .number: return start + first.length
        case .letter, .other: return text.run(of: first.kind, from: start + first.length)
        }
    }

    private static let startOfText = Array("<|startoftext|>".utf8)
    private static let endOfText = Array("<|endoftext|>".utf8)
}

/// Looking ahead in text that ends at `end`.
private struct Scan {
    let bytes: [UInt8]
    let end: Int

    subscript(_ offset: Int) -> (kind: ScalarClass, length: Int) {
        let (value, length) = bytes.scalar(at: offset, before: end)
        return (ScalarClass(value), length)
    }

    func isLineBreak(at offset: Int) -> Bool {
        bytes[offset] == 0x0A || bytes[offset] == 0x0D
    }

    /// End of the scalars of one class from `start`, which may be none.
    func run(of kind: ScalarClass, from start: Int, atMost limit: Int = .max) -> Int {
        var offset = start
        var left = limit
        while offset < end, left > 0 {
            let scalar = self[offset]
            guard scalar.kind == kind else { break }
            offset += scalar.length
            left -= 1
        }
        return offset
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d`. Ignoring case, U+017F (long s) is an s too.
    func contraction(at start: Int, ignoringCase: Bool) -> Int? {
        guard bytes[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        let mask: UInt8 = ignoringCase ? 0xDF : 0xFF
        let shift: UInt8 = ignoringCase ? 0 : 0x20
        func letter(_ offset: Int) -> UInt8? {
            guard offset < end else { return nil }
            let byte = bytes[offset] & mask
            return byte >= 0x41 + shift && byte <= 0x5A + shift ? byte - shift : nil
        }
        switch (letter(start + 1), letter(start + 2)) {
        case (UInt8(ascii: "S"), _), (UInt8(ascii: "T"), _), (UInt8(ascii: "M"), _), (UInt8(ascii: "D"), _):
            return start + 2
        case (UInt8(ascii: "R"), UInt8(ascii: "E")), (UInt8(ascii: "V"), UInt8(ascii: "E")),
            (UInt8(ascii: "L"), UInt8(ascii: "L")):
            return start + 3
        default:
            return ignoringCase && bytes.matches([0xC5, 0xBF], at: start + 1, before: end) ? start + 3 : nil
        }
    }

    /// `\s+(?!\S)` for white space whose first scalar ended at `second`: all of it at the end of the text, otherwise
    /// all but the last scalar; nil if that leaves nothing.
    func whitespace(from second: Int) -> Int? {
        var offset = second
        var last: Int?
        while offset < end {
            let scalar = self[offset]
            guard scalar.kind == .whitespace else { return last }
            last = offset
            offset += scalar.length
        }
        return offset
    }

    /// `\s*[\r\n]+`: end of the last line break in the white space at `start`.
    func lastLineBreak(from start: Int) -> Int? {
        var offset = start
        var result: Int?
        while offset < end {
            let scalar = self[offset]
            guard scalar.kind == .whitespace else { break }
            offset += scalar.length
            if isLineBreak(at: offset - scalar.length) { result = offset }
        }
        return result
    }
}
