// SentencePiece's precompiled normalisation rules (nmt_nfkc and relatives).
//
// Format  u32 size of the trie in bytes; the trie, a double array of u32 units as Darts-clone writes it; then the
//         replacements, each ended by a zero byte. A key's value is the offset of its replacement. Little endian.

struct PrecompiledCharsmap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    init(_ blob: [UInt8]) throws(TokenizerError) {
        guard blob.count >= 4 else { throw .malformedCharsmap(reason: "it has \(blob.count) bytes, fewer than 4") }
        let size = Int(Self.word(blob, at: 0))
        guard size >= 4, size % 4 == 0, size <= blob.count - 4 else {
            throw .malformedCharsmap(reason: "its trie of \(size) bytes does not fit into \(blob.count - 4)")
        }
        units = stride(from: 4, to: 4 + size, by: 4).map { Self.word(blob, at: $0) }
        replacements = Array(blob[(4 + size)...])
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    /// Calls `body` for every key that begins at `start`, the shortest first, until it returns false.
    private func forEachPrefix(
        of bytes: [UInt8], _ range: Range<Int>, _ body: (_ end: Int, _ replacement: Int) -> Bool
    ) {
        var position = Self.offset(of: units[0])
        for offset in range {
            let byte = bytes[offset]
            position ^= Int(byte)
            guard byte != 0, position < units.count, units[position] & (1 << 31 | 0xFF) == UInt32(byte) else { return }
            let unit = units[position]
            position ^= Self.offset(of: unit)
            guard unit & 0x100 != 0 else { continue }
            guard position < units.count else { return }
            if !body(offset + 1, Int(units[position] & 0x7FFF_FFFF)) { return }
        }
    }

    private static func offset(of unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & 0x200) >> 6)
    }

    private func replacement(at start: Int) -> ArraySlice<UInt8> {
        guard start < replacements.count else { return [] }
        let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
        return replacements[start..<end]
    }

    // MARK: SentencePiece

    /// Replaces the longest key at every place, as SentencePiece does.
    func replacingLongestKeys(in text: AlignedText) -> AlignedText {
        let bytes = text.bytes
        return text.edited { editor in
            var offset = 0
            while offset < bytes.count {
                var longest: (end: Int, replacement: Int)?
                forEachPrefix(of: bytes, offset..<bytes.count) {
                    longest = ($0, $1)
                    return true
                }
                let end = longest?.end ?? min(offset + utf8Length(bytes[offset]), bytes.count)
                if let longest {
                    editor.replace(offset..<end, with: replacement(at: longest.replacement))
                } else {
                    editor.keep(offset..<end)
                }
                offset = end
            }
        }
    }

    // MARK: Hugging Face

    /// Replaces as the `Precompiled` normaliser of Hugging Face does: a grapheme cluster of fewer than six bytes is
    /// replaced whole by what its shortest key maps to; every other cluster scalar by scalar.
    ///
    /// This is the one place where grapheme clusters are right, since the reference works on them.
    func replacingClusters(in text: AlignedText) -> AlignedText {
        let bytes = text.bytes
        return text.edited { editor in
            var offset = 0
            for character in String(decoding: bytes, as: UTF8.self) {
                let end = min(offset + character.utf8.count, bytes.count)
                if end - offset < 6, let replacement = shortestReplacement(bytes, offset..<end) {
                    editor.replace(offset..<end, with: replacement)
                    offset = end
                }
                while offset < end {
                    let next = min(offset + utf8Length(bytes[offset]), end)
                    if let replacement = shortestReplacement(bytes, offset..<next) {
                        editor.replace(offset..<next, with: replacement)
                    } else {
                        editor.keep(offset..<next)
                    }
                    offset = next
                }
            }
        }
    }

    private func shortestReplacement(_ bytes: [UInt8], _ range: Range<Int>) -> ArraySlice<UInt8>? {
        var found: Int?
        forEachPrefix(of: bytes, range) {
            found = $1
            return false
        }
        return found.map(replacement)
    }
}
