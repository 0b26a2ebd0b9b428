/// What happens to text before it is split: the `normalizer` of `tokenizer.json`.
indirect enum Normalizer: Sendable {
    case canonical(CanonicalForm)
    case lowercase
    /// Takes white space off the ends.
    case strip(left: Bool, right: Bool)
    case replace(TextPattern, with: [UInt8])
    /// Puts text in front of what is not empty.
    case prepend([UInt8])
    /// A precompiled charsmap as Hugging Face reads it (by grapheme cluster) or SentencePiece does (longest key).
    case charsmap(PrecompiledCharsmap, byCluster: Bool)
    /// SentencePiece's `remove_extra_whitespaces`: no U+0020 at the ends, one between words.
    case collapseSpaces
    /// Takes every repetition of some bytes off the end.
    case dropSuffixes([UInt8])
    case sequence([Normalizer])

    func apply(to text: AlignedText) -> AlignedText {
        switch self {
        case .canonical(let form): form.apply(to: text)
        case .lowercase: Self.lowercased(text)
        case .strip(let left, let right): Self.stripped(text, left: left, right: right)
        case .replace(let pattern, let replacement): Self.replacing(pattern, with: replacement, in: text)
        case .prepend(let prefix): Self.prepending(prefix, to: text)
        case .charsmap(let map, let byCluster):
            byCluster ? map.replacingClusters(in: text) : map.replacingLongestKeys(in: text)
        case .collapseSpaces: Self.collapsingSpaces(in: text)
        case .dropSuffixes(let suffix): Self.droppingSuffixes(suffix, of: text)
        case .sequence(let stages): stages.reduce(text) { $1.apply(to: $0) }
        }
    }

    /// Lowercase of every scalar by itself; a final sigma is not special.
    private static func lowercased(_ text: AlignedText) -> AlignedText {
        let bytes = text.bytes
        guard bytes.contains(where: { $0 >= 0x80 || (0x41...0x5A).contains($0) }) else { return text }
        return text.edited { editor in
            var offset = 0
            while offset < bytes.count {
                let (value, length) = bytes.scalar(at: offset, before: bytes.count)
                let range = offset..<offset + length
                offset += length
                if value < 0x80 {
                    guard (0x41...0x5A).contains(value) else {
                        editor.keep(range)
                        continue
                    }
                    editor.replace(range, with: CollectionOfOne(UInt8(value) | 0x20))
                } else if let properties = Unicode.Scalar(value)?.properties, properties.changesWhenLowercased {
                    editor.replace(range, with: properties.lowercaseMapping.utf8)
                } else {
                    editor.keep(range)
                }
            }
        }
    }

    private static func stripped(_ text: AlignedText, left: Bool, right: Bool) -> AlignedText {
        let bytes = text.bytes
        var start = left ? bytes.count : 0
        var end = right ? 0 : bytes.count
        var offset = 0
        while offset < bytes.count {
            let (value, length) = bytes.scalar(at: offset, before: bytes.count)
            if ScalarClass(value) != .whitespace {
                start = min(start, offset)
                end = max(end, offset + length)
            }
            offset += length
        }
        return text.edited { if start < end { $0.keep(start..<end) } }
    }

    private static func replacing(
        _ pattern: TextPattern, with replacement: [UInt8], in text: AlignedText
    ) -> AlignedText {
        let bytes = text.bytes
        let matches = pattern.matches(in: bytes, 0..<bytes.count)
        guard !matches.isEmpty else { return text }
        return text.edited { editor in
            var offset = 0
            for match in matches {
                editor.keep(offset..<match.lowerBound)
                editor.replace(match, with: replacement)
                offset = match.upperBound
            }
            editor.keep(offset..<bytes.count)
        }
    }

    private static func prepending(_ prefix: [UInt8], to text: AlignedText) -> AlignedText {
        guard !text.bytes.isEmpty else { return text }
        return text.edited { editor in
            editor.replace(0..<0, with: prefix)
            editor.keep(0..<text.bytes.count)
        }
    }

    private static func collapsingSpaces(in text: AlignedText) -> AlignedText {
        let bytes = text.bytes
        return text.edited { editor in
            var pending: Int?
            var isEmpty = true
            for (offset, byte) in bytes.enumerated() {
                guard byte != UInt8(ascii: " ") else {
                    pending = pending ?? offset
                    continue
                }
                if let space = pending, !isEmpty { editor.keep(space..<space + 1) }
                pending = nil
                isEmpty = false
                editor.keep(offset..<offset + 1)
            }
        }
    }

    private static func droppingSuffixes(_ suffix: [UInt8], of text: AlignedText) -> AlignedText {
        var end = text.bytes.count
        while !suffix.isEmpty, end >= suffix.count, text.bytes.matches(suffix, at: end - suffix.count, before: end) {
            end -= suffix.count
        }
        return text.part(0..<end)
    }
}
