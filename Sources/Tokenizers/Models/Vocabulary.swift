/// The tokens of a model: bytes to id and id to bytes.
///
/// Keys are bytes, never `String`: Swift calls two canonically equivalent strings equal, a vocabulary does not.
struct Vocabulary: Sendable {
    /// Ids above this are taken for a corrupt file rather than given memory.
    static let maximumID = 1 << 22 - 1
    /// Some loaders take time that grows with the square of a token's length.
    static let longestToken = 1024

    /// Every token's bytes, one after the other.
    private var text: [UInt8] = []
    /// Place of a token's bytes in `text`, by id; ids may have gaps.
    private var spans: [Span] = []
    /// Open addressing with linear probing: upper half of the fingerprint and id, or `free`. The size is a power of two.
    private var slots: [UInt64] = []
    private var used = 0

    private static let free = UInt64.max

    private struct Span {
        var start: UInt32
        var count: UInt32
        static let absent = Span(start: .max, count: 0)
    }

    init(capacity: Int = 0) {
        spans.reserveCapacity(capacity)
        text.reserveCapacity(capacity * 8)
        resize(toHold: capacity)
    }

    /// One more than the highest id.
    var count: Int { spans.count }

    /// Adds a token; the last one wins where bytes or ids occur twice. False where the bytes had an id before.
    @discardableResult
    mutating func add(_ token: some Collection<UInt8>, id: Int) throws(TokenizerError) -> Bool {
        guard (0...Self.maximumID).contains(id) else {
            throw .invalidID(token: String(decoding: token, as: UTF8.self), id: id)
        }
        guard token.count <= Self.longestToken else {
            throw .malformed(field: "token \(id)", expected: "at most \(Self.longestToken) bytes")
        }
        let start = text.count
        text.append(contentsOf: token)
        if id >= spans.count { spans.append(contentsOf: repeatElement(.absent, count: id + 1 - spans.count)) }
        spans[id] = Span(start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: token.count))
        if (used + 1) * 2 > slots.count { resize(toHold: max(used * 2, 64)) }
        let former = used
        insert(id)
        return used > former
    }

    private mutating func insert(_ id: Int) {
        let range = range(of: id)
        let print = fingerprint(of: text, range)
        let slot = slot(for: text, range, print)
        if slots[slot] == Self.free { used += 1 }
        slots[slot] = print & 0xFFFF_FFFF_0000_0000 | UInt64(id)
    }

    private mutating func resize(toHold capacity: Int) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        let former = slots
        slots = Array(repeating: Self.free, count: size)
        used = 0
        for slot in former where slot != Self.free { insert(Int(slot & 0xFFFF_FFFF)) }
    }

    private func range(of id: Int) -> Range<Int> {
        let start = Int(spans[id].start)
        return start..<start + Int(spans[id].count)
    }

    /// The slot that holds these bytes, or the free one where they belong.
    @inline(__always)
    private func slot(for bytes: [UInt8], _ range: Range<Int>, _ print: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: print) & mask
        while slots[slot] != Self.free {
            if (slots[slot] ^ print) >> 32 == 0 {
                let candidate = self.range(of: Int(slots[slot] & 0xFFFF_FFFF))
                if candidate.count == range.count, areEqual(text, candidate.lowerBound, bytes, range) { return slot }
            }
            slot = (slot + 1) & mask
        }
        return slot
    }

    /// The id of the token with exactly these bytes.
    func id(of bytes: [UInt8], _ range: Range<Int>) -> Int? {
        let slot = slots[slot(for: bytes, range, fingerprint(of: bytes, range))]
        return slot == Self.free ? nil : Int(slot & 0xFFFF_FFFF)
    }

    func id(of bytes: [UInt8]) -> Int? { id(of: bytes, 0..<bytes.count) }

    func id(of token: String) -> Int? { id(of: Array(token.utf8)) }

    /// The token's bytes as the vocabulary spells them; nil if no token has that id.
    func bytes(of id: Int) -> ArraySlice<UInt8>? {
        guard spans.indices.contains(id), spans[id].start != .max else { return nil }
        return text[range(of: id)]
    }
}

/// FNV-1a of a part of some bytes, with its high bits folded in.
@inline(__always)
func fingerprint(of bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for offset in range { hash = (hash ^ UInt64(bytes[offset])) &* 0x100_0000_01B3 }
    return hash ^ hash >> 32
}

/// Whether the bytes from `start` equal the given part of other bytes.
@inline(__always)
func areEqual(_ left: [UInt8], _ start: Int, _ right: [UInt8], _ range: Range<Int>) -> Bool {
    for index in 0..<range.count where left[start + index] != right[range.lowerBound + index] { return false }
    return true
}
