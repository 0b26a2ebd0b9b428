// The single-precision logarithm, sine and cosine of the Cephes library (Moshier), evaluated in the order, and with the
// fused multiply-adds, of torch's AVX2 kernels. Bit equality with torch.randn depends on every rounding here.

enum CephesFloat {
    /// ln x for a normal x > 0.
    static func log(_ x: Float) -> Float {
        let bits = max(x, Float.leastNormalMagnitude).bitPattern
        var exponent = Float(Int32(bits >> 23) - 127) + 1
        var mantissa = Float(bitPattern: bits & 0x007f_ffff | 0x3f00_0000)  // [0.5, 1)
        if mantissa < 0.707_106_781_186_547_524 {
            exponent -= 1
            mantissa = (mantissa - 1) + mantissa
        } else {
            mantissa -= 1
        }
        let square = mantissa * mantissa
        var y: Float = 7.037_683_6292e-2
        y = Float(-1.151_461_0310e-1).addingProduct(y, mantissa)
        y = Float(1.167_699_8740e-1).addingProduct(y, mantissa)
        y = Float(-1.242_014_0846e-1).addingProduct(y, mantissa)
        y = Float(1.424_932_2787e-1).addingProduct(y, mantissa)
        y = Float(-1.666_805_7665e-1).addingProduct(y, mantissa)
        y = Float(2.000_071_4765e-1).addingProduct(y, mantissa)
        y = Float(-2.499_999_3993e-1).addingProduct(y, mantissa)
        y = Float(3.333_333_1174e-1).addingProduct(y, mantissa)
        y *= mantissa
        y = (exponent * -2.121_944_40e-4).addingProduct(y, square)
        y = y.addingProduct(square, -0.5)
        return (mantissa + y).addingProduct(exponent, 0.693_359_375)
    }

    /// sin x and cos x for 0 ≤ x < 8192.
    static func sineAndCosine(_ x: Float) -> (sine: Float, cosine: Float) {
        let octant = (Int32(x * 1.273_239_544_735_16) + 1) & ~1
        let turns = Float(octant)
        var r = x.addingProduct(turns, -0.785_156_25)
        r = r.addingProduct(turns, -2.418_756_484_985_351_562_5e-4)
        r = r.addingProduct(turns, -3.774_894_977_445_941_08e-8)
        let square = r * r

        var even: Float = 2.443_315_711_809_948e-5
        even = Float(-1.388_731_625_493_765e-3).addingProduct(even, square)
        even = Float(4.166_664_568_298_827e-2).addingProduct(even, square)
        even *= square
        even = (square * -0.5).addingProduct(even, square) + 1

        var odd: Float = -1.951_529_5891e-4
        odd = Float(8.332_160_8736e-3).addingProduct(odd, square)
        odd = Float(-1.666_665_4611e-1).addingProduct(odd, square)
        odd *= square
        odd = r.addingProduct(odd, r)

        let swapped = octant & 2 != 0
        let sine = swapped ? even : odd
        let cosine = swapped ? odd : even
        return (octant & 4 == 0 ? sine : -sine, (octant - 2) & 4 == 0 ? -cosine : cosine)
    }
}
