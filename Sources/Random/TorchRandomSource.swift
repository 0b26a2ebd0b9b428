// torch.randn on the CPU, bit for bit (torch 2.13 on x86 with AVX2 or AVX-512; ATen's DistributionTemplates.h).
//
// Fewer than 16 elements come one by one from a double-precision Box–Muller transform that keeps its second value for
// the next call. From 16 on, the whole buffer is filled with 24-bit uniforms first and then transformed in blocks of 16
// (radii from the first eight, angles from the last eight); a remainder draws 16 fresh uniforms for the last 16 places.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// The stream of one `torch.Generator` on the CPU.
package struct TorchRandomSource: RandomStream {
    private var generator: MersenneTwister
    private var kept: Double?

    /// As `manual_seed(seed)`: torch's CPU generator uses the low 32 bits.
    package init(seed: UInt64) {
        generator = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed))
    }

    package mutating func normal(_ count: Int) -> [Float] {
        guard count >= 16 else { return (0..<max(count, 0)).map { _ in Float(scalar()) } }
        return [Float](unsafeUninitializedCapacity: count) { values, initialised in
            for i in 0..<count { values[i] = uniform() }
            for start in stride(from: 0, through: count - 16, by: 16) { Self.transform(values, from: start) }
            if count % 16 != 0 {
                for i in count - 16..<count { values[i] = uniform() }
                Self.transform(values, from: count - 16)
            }
            initialised = count
        }
    }

    /// [0, 1) in steps of 2⁻²⁴.
    private mutating func uniform() -> Float {
        Float(generator.next() & 0xff_ffff) * 0x1p-24
    }

    /// [0, 1) in steps of 2⁻⁵³.
    private mutating func uniform53() -> Double {
        let high = UInt64(generator.next())
        let low = UInt64(generator.next())
        return Double((high << 32 | low) & (1 << 53 - 1)) * 0x1p-53
    }

    private mutating func scalar() -> Double {
        if let value = kept {
            kept = nil
            return value
        }
        let angle = 2 * Double.pi * uniform53()
        let radius = sqrt(-2 * log1p(-uniform53()))
        kept = radius * sin(angle)
        return radius * cos(angle)
    }

    private static func transform(_ values: UnsafeMutableBufferPointer<Float>, from start: Int) {
        for i in start..<start + 8 {
            let radius = (-2 * CephesFloat.log(1 - values[i])).squareRoot()
            let (sine, cosine) = CephesFloat.sineAndCosine(Float(2 * Double.pi) * values[i + 8])
            values[i] = radius * cosine
            values[i + 8] = radius * sine
        }
    }
}
