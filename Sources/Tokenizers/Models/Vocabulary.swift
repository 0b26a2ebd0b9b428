/// The tokens of a model: bytes to id and id to bytes.
///
/// Keys are bytes, never `String`: Swift calls two canonically equivalent strings equal, a vocabulary does not.
struct Vocabulary: Sendable {
    /// Ids above this are taken for a corrupt file rather than given memory.
    static let maximumID = 1 << 22 - 1

    /// Every token's bytes, one after the other.
    private var text: [UInt8] = []
    /// Place of a token's bytes in `text`, by id; ids may have gaps.
    private var spans: [Span] = []
    /// Open addressing with linear probing: an id, or -1 where nothing is. The size is a power of two.
    private var slots: [Int32] = []
    private var used = 0

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

    /// Adds a token; the last one wins where bytes or ids occur twice.
    mutating func add(_ token: some Collection<UInt8>, id: Int) throws(TokenizerError) {
        guard (0...Self.maximumID).contains(id) else {
            throw .invalidID(token: String(decoding: token, as: UTF8.self), id: id)
        }
        let start = text.count
        text.append(contentsOf: token)
        if id >= spans.count { spans.append(contentsOf: repeatElement(.absent, count: id + 1 - spans.count)) }
        spans[id] = Span(start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: token.count))
        if (used + 1) * 2 > slots.count { resize(toHold: max(used * 2, 64)) }
        insert(id)
    }

    private mutating func insert(_ id: Int) {
        let span = range(of: id)
        let slot = slot(for: text, span)
        if slots[slot] < 0 { used += 1 }
        slots[slot] = Int32(truncatingIfNeeded: id)
    }

    private mutating func resize(toHold capacity: Int) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        let former = slots
        slots = Array(repeating: -1, count: size)
        used = 0
        for id in former where id >= 0 { insert(Int(id)) }
    }

    private func range(of id: Int) -> Range<Int> {
        let start = Int(spans[id].start)
        return start..<start + Int(spans[id].count)
    }

    /// The slot that holds these bytes, or the free one where they belong.
    private func slot(for bytes: [UInt8], _ range: Range<Int>) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: fingerprint(of: bytes, range)) & mask
        while slots[slot] >= 0 {
            let candidate = self.range(of: Int(slots[slot]))
            if candidate.count == range.count, areEqual(text, candidate.lowerBound, bytes, range) { return slot }
            slot = (slot + 1) & mask
        }
        return slot
    }

    /// The id of the token with exactly these bytes.
    func id(of bytes: [UInt8], _ range: Range<Int>) -> Int? {
        let id = slots[slot(for: bytes, range)]
        return id < 0 ? nil : Int(id)
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
