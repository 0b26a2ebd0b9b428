/// Which pairs of tokens merge, in which order, into what.
///
/// Open addressing over two numbers a slot: the pair, and rank and result packed together. An encoder asks a dozen
/// times a word, which is why this is no `Dictionary`.
struct MergeTable: Sendable {
    /// Rank in the upper half (lower merges first), id of the result in the lower.
    typealias Merge = UInt64
    static let none: Merge = .max

    private var slots: [UInt64]
    private var shift: Int
    private var used = 0

    init(capacity: Int) {
        var bits = 4
        while 1 << bits < capacity + capacity / 2 { bits += 1 }
        slots = Array(repeating: .max, count: 2 << bits)
        shift = 64 - bits
    }

    static func rank(of merge: Merge) -> UInt32 { UInt32(truncatingIfNeeded: merge >> 32) }
    static func result(of merge: Merge) -> Int32 { Int32(truncatingIfNeeded: merge) }

    /// Adds a merge; the last one wins where a pair occurs twice.
    mutating func add(_ left: Int32, _ right: Int32, rank: Int, result: Int) {
        if (used + 1) * 4 > slots.count / 2 * 3 { grow() }
        insert(Self.pair(left, right), UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: result)))
    }

    private mutating func insert(_ pair: UInt64, _ merge: Merge) {
        let slot = slot(of: pair)
        if slots[slot] == .max { used += 1 }
        slots[slot] = pair
        slots[slot + 1] = merge
    }

    private mutating func grow() {
        let former = slots
        slots = Array(repeating: .max, count: former.count * 2)
        shift -= 1
        used = 0
        for slot in stride(from: 0, to: former.count, by: 2) where former[slot] != .max {
            insert(former[slot], former[slot + 1])
        }
    }

    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Fibonacci hashing, then linear probing.
    @inline(__always)
    private func slot(of pair: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: (pair &* 0x9E37_79B9_7F4A_7C15) >> UInt64(shift)) * 2
        while slots[slot] != pair, slots[slot] != .max { slot = (slot + 2) & mask }
        return slot
    }

    /// The merge of two neighbours, or `none`.
    @inline(__always)
    func find(_ left: Int32, _ right: Int32) -> Merge {
        slots[slot(of: Self.pair(left, right)) + 1]
    }
}
