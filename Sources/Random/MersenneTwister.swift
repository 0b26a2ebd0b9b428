// MT19937 (Matsumoto & Nishimura 1998) with the 2002 initialisation, as std::mt19937, numpy and torch seed it.

/// The 32-bit Mersenne Twister.
package struct MersenneTwister: Sendable {
    private var state: [UInt32]
    private var index: Int

    /// Seeds with 32 bits.
    package init(seed: UInt32) {
        state = [UInt32](repeating: seed, count: Self.length)
        for i in 1..<Self.length {
            let previous = state[i - 1]
            state[i] = 1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(i)
        }
        index = Self.length
    }

    /// The next 32 bits.
    package mutating func next() -> UInt32 {
        if index == Self.length { regenerate() }
        var y = state[index]
        index += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9d2c_5680
        y ^= (y << 15) & 0xefc6_0000
        y ^= y >> 18
        return y
    }

    private static let length = 624
    private static let shift = 397

    private mutating func regenerate() {
        state.withUnsafeMutableBufferPointer { state in
            func twist(_ upper: UInt32, _ lower: UInt32) -> UInt32 {
                let mixed = (upper & 0x8000_0000) | (lower & 0x7fff_ffff)
                return (mixed >> 1) ^ (lower & 1 == 0 ? 0 : 0x9908_b0df)
            }
            for i in 0..<Self.length - Self.shift {
                state[i] = state[i + Self.shift] ^ twist(state[i], state[i + 1])
            }
            for i in Self.length - Self.shift..<Self.length - 1 {
                state[i] = state[i + Self.shift - Self.length] ^ twist(state[i], state[i + 1])
            }
            state[Self.length - 1] = state[Self.shift - 1] ^ twist(state[Self.length - 1], state[0])
        }
        index = 0
    }
}
