// numpy's SeedSequence (after O'Neill's seed_seq), of which BrownianTree needs the first word of output.

/// Mixes a seed and a spawn key into well-distributed 32-bit words.
struct SeedSequence {
    private var pool: [UInt32]

    /// `spawnKey` empty gives the parent sequence.
    init(entropy: UInt64, spawnKey: [UInt64], poolSize: Int = 24) {
        var words = Self.words(entropy)
        if !spawnKey.isEmpty {
            words += [UInt32](repeating: 0, count: max(0, poolSize - words.count))
            words += spawnKey.flatMap(Self.words)
        }
        var hash = Hash(constant: 0x43b0_d7e5, multiplier: 0x931e_8875)
        pool = (0..<poolSize).map { hash($0 < words.count ? words[$0] : 0) }
        for source in 0..<poolSize {
            for target in 0..<poolSize where target != source {
                pool[target] = Self.mix(pool[target], hash(pool[source]))
            }
        }
        for word in words.dropFirst(poolSize) {
            for target in 0..<poolSize { pool[target] = Self.mix(pool[target], hash(word)) }
        }
    }

    /// `generate_state(1)[0]`
    var first: UInt32 {
        var hash = Hash(constant: 0x8b51_f9dd, multiplier: 0x58f3_8ded)
        return hash(pool[0])
    }

    /// Little-endian 32-bit words without leading zeros; zero is one word.
    private static func words(_ value: UInt64) -> [UInt32] {
        let low = UInt32(truncatingIfNeeded: value)
        let high = UInt32(truncatingIfNeeded: value >> 32)
        return high == 0 ? [low] : [low, high]
    }

    private static func mix(_ x: UInt32, _ y: UInt32) -> UInt32 {
        let mixed = 0xca01_f9dd &* x &- 0x4973_f715 &* y
        return mixed ^ (mixed >> 16)
    }

    private struct Hash {
        var constant: UInt32
        let multiplier: UInt32

        mutating func callAsFunction(_ value: UInt32) -> UInt32 {
            let keyed = value ^ constant
            constant &*= multiplier
            let scaled = keyed &* constant
            return scaled ^ (scaled >> 16)
        }
    }
}
