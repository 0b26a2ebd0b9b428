extension [UInt8] {
    /// The scalar at a byte offset and its length in bytes; a byte that begins no valid sequence reads as U+FFFD.
    @inline(__always)
    func scalar(at offset: Int, before end: Int) -> (value: UInt32, length: Int) {
        let first = self[offset]
        return first < 0x80 ? (UInt32(first), 1) : multibyteScalar(at: offset, before: end)
    }

    private func multibyteScalar(at offset: Int, before end: Int) -> (value: UInt32, length: Int) {
        let first = self[offset]
        let length = utf8Length(first)
        guard length > 1, offset + length <= end else { return (0xFFFD, 1) }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for byte in self[offset + 1..<offset + length] {
            guard byte & 0xC0 == 0x80 else { return (0xFFFD, 1) }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        let shortest: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000
        guard value >= shortest, Unicode.Scalar(value) != nil else { return (0xFFFD, 1) }
        return (value, length)
    }

    /// Appends the UTF-8 form of a scalar value; what is no scalar becomes U+FFFD.
    mutating func append(scalar value: UInt32) {
        append(contentsOf: UTF8.encode(Unicode.Scalar(value) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter)
    }

    /// Whether `prefix` occurs at a byte offset and ends no later than `end`.
    @inline(__always)
    func matches(_ prefix: [UInt8], at offset: Int, before end: Int) -> Bool {
        guard offset + prefix.count <= end else { return false }
        for (index, byte) in prefix.enumerated() where self[offset + index] != byte { return false }
        return true
    }

    /// Every occurrence of `pattern`, from the left, replaced.
    func replacing(_ pattern: [UInt8], with replacement: [UInt8]) -> [UInt8] {
        guard let first = pattern.first, contains(first) else { return self }
        var result: [UInt8] = []
        var offset = 0
        while offset < count {
            if matches(pattern, at: offset, before: count) {
                result.append(contentsOf: replacement)
                offset += pattern.count
            } else {
                result.append(self[offset])
                offset += 1
            }
        }
        return result
    }

    /// Where `pattern` first occurs at or after `start`.
    func firstOccurrence(of pattern: [UInt8], from start: Int = 0) -> Range<Int>? {
        guard start <= count - pattern.count else { return nil }
        return (start...count - pattern.count).first { matches(pattern, at: $0, before: count) }
            .map { $0..<$0 + pattern.count }
    }
}

/// Length that a lead byte announces; 1 for ASCII and for bytes that lead nothing.
@inline(__always)
func utf8Length(_ lead: UInt8) -> Int {
    switch lead {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
}
