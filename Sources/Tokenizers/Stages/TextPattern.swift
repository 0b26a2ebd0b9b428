/// A pattern that a tokenizer searches text for.
///
/// `tokenizer.json` writes patterns as regular expressions; the few that occur are recognised by their text and
/// matched by hand over scalars, which is faster than any engine and exact where engines differ.
enum TextPattern: Sendable, Equatable {
    case literal([UInt8])
    /// `\s+`
    case whitespace
    /// ` {2,}`
    case spaces
    /// `\p{N}` one by one, or in groups of at most three.
    case numbers(atMost: Int)
    case words(WordPattern)

    /// The pattern for a regular expression; nil if it is not one of those known.
    init?(regularExpression source: String) {
        switch source {
        case "\\s+": self = .whitespace
        case " {2,}": self = .spaces
        case "\\p{N}": self = .numbers(atMost: 1)
        case "\\p{N}{1,3}": self = .numbers(atMost: 3)
        default:
            guard let words = WordPattern(regularExpression: source) else { return nil }
            self = .words(words)
        }
    }

    /// All matches within a part of the text, from the left, none empty, none overlapping.
    func matches(in bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            if let end = match(in: bytes, at: offset, before: range.upperBound) {
                result.append(offset..<end)
                offset = end
            } else {
                offset += utf8Length(bytes[offset])
            }
        }
        return result
    }

    /// End of the match that begins at `start`.
    @inline(__always)
    private func match(in bytes: [UInt8], at start: Int, before end: Int) -> Int? {
        switch self {
        case .literal(let text):
            return !text.isEmpty && bytes.matches(text, at: start, before: end) ? start + text.count : nil
        case .whitespace:
            return run(of: .whitespace, in: bytes, from: start, before: end, atMost: .max)
        case .numbers(let limit):
            return run(of: .number, in: bytes, from: start, before: end, atMost: limit)
        case .spaces:
            var offset = start
            while offset < end, bytes[offset] == UInt8(ascii: " ") { offset += 1 }
            return offset - start >= 2 ? offset : nil
        case .words(let words):
            return words.match(in: bytes, at: start, before: end)
        }
    }

    private func run(
        of wanted: ScalarClass, in bytes: [UInt8], from start: Int, before end: Int, atMost limit: Int
    ) -> Int? {
        var offset = start
        var count = 0
        while offset < end, count < limit {
            let (value, length) = bytes.scalar(at: offset, before: end)
            guard ScalarClass(value) == wanted else { break }
            offset += length
            count += 1
        }
        return offset > start ? offset : nil
    }
}
