/// Words met before in the same stretch of text and the tokens they became there.
///
/// Direct mapped: a word has one slot, and a new one takes it over. Nothing is copied; slots point into the text and the
/// run of tokens, so the cache belongs to one text and one run.
struct WordCache {
    private static let size = 1 << 12
    /// Longer words hardly ever come twice.
    private static let longestWord = 64

    private var slots = [Slot](repeating: Slot(word: 0..<0, tokens: 0..<0), count: size)

    private struct Slot {
        var word: Range<Int>
        var tokens: Range<Int>
    }

    private func slot(_ bytes: [UInt8], _ word: Range<Int>) -> Int {
        Int(truncatingIfNeeded: fingerprint(of: bytes, word)) & (Self.size - 1)
    }

    /// The tokens of an equal word, and where in the text that word begins.
    func find(_ bytes: [UInt8], _ word: Range<Int>) -> (start: Int, tokens: Range<Int>)? {
        guard word.count <= Self.longestWord else { return nil }
        let entry = slots[slot(bytes, word)]
        guard entry.word.count == word.count, areEqual(bytes, entry.word.lowerBound, bytes, word) else { return nil }
        return (entry.word.lowerBound, entry.tokens)
    }

    mutating func insert(_ bytes: [UInt8], _ word: Range<Int>, tokens: Range<Int>) {
        guard word.count <= Self.longestWord else { return }
        slots[slot(bytes, word)] = Slot(word: word, tokens: tokens)
    }
}
