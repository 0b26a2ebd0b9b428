package import Tensor

/// The shapes on which kernels are judged: those of Stable Diffusion 1.5's UNet and decoder, and a square.
package struct KernelBenchmark {
    private let precision: Precision
    private let peak: Double
    private let only: String?

    /// Measures the peak of `precision` first. With `only`, just the work whose name contains it runs.
    package init(_ precision: Precision, only: String? = nil) {
        self.precision = precision
        self.only = only
        peak = Kernels.measuredPeak(precision.activations, threads: Kernels.threads)
    }

    /// Measured peak in GFLOP/s.
    package var peakGFLOPS: Double { peak }

    package func run(_ report: (Measurement) -> Void) {
        for (m, k, n) in Self.matrices { matrix(m, k, n, report) }
        for (width, out, side) in Self.convolutions { convolution(width, out, side, report) }
        for (heads, queries, keys, size) in Self.attentions { attention(heads, queries, keys, size, report) }
        for (pixels, channels) in [(4096, 320), (262_144, 128)] { groupNorm(pixels, channels, report) }
    }

    private static let matrices = [
        (4096, 320, 320), (4096, 320, 2560), (4096, 1280, 320), (1024, 640, 5120), (256, 1280, 10240), (77, 768, 768),
        (1, 2048, 8192), (4096, 4096, 4096),
    ]
    private static let convolutions = [
        (320, 320, 64), (640, 640, 32), (1280, 1280, 16), (1280, 1280, 8), (512, 512, 64), (256, 256, 256),
        (128, 128, 512),
    ]
    private static let attentions = [
        (8, 4096, 4096, 40), (8, 1024, 1024, 80), (8, 256, 256, 160), (8, 4096, 77, 40), (1, 4096, 4096, 512),
    ]

    private func wants(_ name: String) -> Bool { only.map { name.contains($0) } ?? true }

    private func matrix(_ m: Int, _ k: Int, _ n: Int, _ report: (Measurement) -> Void) {
        let name = "matmul \(m)x\(k)x\(n)"
        guard wants(name) else { return }
        let x = noise([m, k]).converted(to: precision.activations)
        guard let weights = PackedMatrix(matrix: noise([n, k]), bias: nil, precision) else { return }
        report(
            Measurement(name, gigaOperations: 2e-9 * Double(m * k * n), peak: peak) {
                _ = weights.multiply(x, as: precision.activations)
            })
    }

    private func convolution(_ width: Int, _ out: Int, _ side: Int, _ report: (Measurement) -> Void) {
        let name = "convolution 3x3 \(width)->\(out) at \(side)x\(side)"
        guard wants(name) else { return }
        let x = noise([1, side, side, width]).converted(to: precision.activations)
        guard let weights = PackedMatrix(convolution: noise([out, width, 3, 3]), bias: nil, precision) else { return }
        let geometry = ConvolutionGeometry(kernel: 3, before: 1, after: 1)
        report(
            Measurement(name, gigaOperations: 2e-9 * Double(9 * width * out * side * side), peak: peak) {
                _ = weights.convolve(x, geometry, as: precision.activations)
            })
    }

    private func attention(_ heads: Int, _ queries: Int, _ keys: Int, _ size: Int, _ report: (Measurement) -> Void) {
        let name = "attention \(heads)x\(queries)x\(keys)x\(size)"
        guard wants(name) else { return }
        let q = noise([1, queries, heads * size]).converted(to: precision.activations)
        let k = noise([1, keys, heads * size]).converted(to: precision.activations)
        let v = noise([1, keys, heads * size]).converted(to: precision.activations)
        report(
            Measurement(name, gigaOperations: 4e-9 * Double(heads * queries * keys * size), peak: peak) {
                _ = q.attending(keys: k, values: v, heads: heads)
            })
    }

    private func groupNorm(_ pixels: Int, _ channels: Int, _ report: (Measurement) -> Void) {
        let name = "group norm + SiLU \(pixels)x\(channels)"
        guard wants(name) else { return }
        let x = noise([1, pixels, 1, channels]).converted(to: precision.activations)
        let ones = Tensor([Float](repeating: 1, count: channels), [channels])
        report(
            Measurement(name) {
                _ = x.groupNormalized(
                    groups: 32, weight: ones, bias: ones, epsilon: 1e-5, activation: .silu, as: precision.activations)
            })
    }

    /// Uniform numbers in −1 ... 1 from a fixed linear congruential sequence: content does not matter, but denormals would.
    private func noise(_ shape: [Int]) -> Tensor {
        var state: UInt32 = 1
        let count = shape.reduce(1, *)
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            for i in 0..<count {
                state = state &* 1_664_525 &+ 1_013_904_223
                buffer[i] = Float(Int32(bitPattern: state)) / 2_147_483_648
            }
            filled = count
        }
        return Tensor(values, shape)
    }
}
