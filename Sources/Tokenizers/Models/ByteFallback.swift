/// The tokens `<0x00>` to `<0xFF>`, which spell out what has no token of its own.
struct ByteFallback: Sendable {
    /// By byte its token, -1 where the vocabulary has none.
    private let ids: [Int32]

    /// Nil if the vocabulary has none of the 256.
    init?(_ vocabulary: Vocabulary) {
        let digits = Array("0123456789ABCDEF".utf8)
        ids = (0..<256).map { byte in
            let token = Array("<0x".utf8) + [digits[byte / 16], digits[byte % 16], UInt8(ascii: ">")]
            return vocabulary.id(of: token).map { Int32(truncatingIfNeeded: $0) } ?? -1
        }
        guard ids.contains(where: { $0 >= 0 }) else { return nil }
    }

    subscript(byte: UInt8) -> Int32 { ids[Int(byte)] }

    /// Whether every one of some bytes has its token.
    func covers(_ text: [UInt8], _ range: Range<Int>) -> Bool {
        range.allSatisfy { ids[Int(text[$0])] >= 0 }
    }
}
