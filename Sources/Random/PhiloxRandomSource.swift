// torch.randn on CUDA: Philox4x32-10 (Salmon et al. 2011) and curand's Box–Muller transform.
//
// Element i of the n-th draw uses counter (n, 0, i, 0) and key = seed, and keeps the first of the four outputs' normals.
// That is torch's layout while a draw has no more elements than the GPU runs threads at once (true for latents).

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// The stream of one `torch.Generator` on CUDA.
package struct PhiloxRandomSource: RandomStream {
    private let key: (low: UInt32, high: UInt32)
    private var offset: UInt32 = 0

    /// As `manual_seed(seed)` of a CUDA generator: all 64 bits count.
    package init(seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    package mutating func normal(_ count: Int) -> [Float] {
        defer { offset &+= 1 }
        return (0..<max(count, 0)).map { index in
            let (x, y) = words(index: UInt32(truncatingIfNeeded: index))
            // curand's constants are single precision: 2⁻³² and 2⁻³² · 2π.
            let u = Double(x) * Self.step + Self.step / 2
            let v = Double(y) * Self.stepOfTurn + Self.stepOfTurn / 2
            return Float(sqrt(-2 * log(u)) * sin(v))
        }
    }

    private static let step = Double(Float(2.328_306_4e-10))
    private static let stepOfTurn = Double(Float(2.328_306_4e-10 * 6.283_185_5))

    private func words(index: UInt32) -> (UInt32, UInt32) {
        var (c0, c1, c2, c3) = (offset, UInt32(0), index, UInt32(0))
        var (k0, k1) = (key.low, key.high)
        for _ in 0..<10 {
            let a = UInt64(c0) * 0xd251_1f53
            let b = UInt64(c2) * 0xcd9e_8d57
            c0 = UInt32(truncatingIfNeeded: b >> 32) ^ c1 ^ k0
            c1 = UInt32(truncatingIfNeeded: b)
            c2 = UInt32(truncatingIfNeeded: a >> 32) ^ c3 ^ k1
            c3 = UInt32(truncatingIfNeeded: a)
            k0 &+= 0x9e37_79b9
            k1 &+= 0xbb67_ae85
        }
        return (c0, c1)
    }
}
