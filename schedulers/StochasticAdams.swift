// What both SA-Solvers (Xue et al. 2023) share: exponential integrals of the polynomial through predictions of the denoised
// picture, and the corrector, which brings back the noise of the step before without storing it.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// One step of the SDE with noise scale τ, over λ = ln(signal / noise).
struct StochasticAdams {
    let from, to: Level
    /// 1 + τ²
    private let rate: Double
    private let tau: Double

    init(from: Level, to: Level, tau: Double) {
        (self.from, self.to, self.tau) = (from, to, tau)
        rate = 1 + tau * tau
    }

    private var h: Double { to.logRatio - from.logRatio }

    /// Weight of the latents: eq. 14's first term.
    var scale: Double {
        guard to.noise > 0 else { return 0 }
        return to.noise / from.noise * (tau == 0 ? 1 : exp(-tau * tau * h))
    }

    /// Weight of the noise.
    var noise: Double {
        guard to.noise > 0, tau > 0 else { return 0 }
        return to.noise * (-expm1(-2 * tau * tau * h)).squareRoot()
    }

    /// Weights of the predictions at `nodes`, the latest first (eq. 15 and 18).
    func weights(_ nodes: [Level]) -> [Double] {
        let growth = exp(-rate * h)
        guard nodes.count > 1 else { return [to.signal * -expm1(-rate * h)] }
        // (1 + τ²)·∫ e^{(1 + τ²)u}·uᵖ du over u = λ - λ(to) from -h to 0.
        var moments = [1 - growth]
        for p in 1..<nodes.count {
            moments.append(-pow(-h, Double(p)) * growth - Double(p) / rate * moments[p - 1])
        }
        let points = nodes.map { $0.logRatio - to.logRatio }
        return points.indices.map { k in
            // The Lagrange polynomial of a node, its coefficients from the constant up.
            var polynomial = [1.0]
            for j in points.indices where j != k {
                let scale = 1 / (points[k] - points[j])
                let shifted = [0] + polynomial
                polynomial = shifted.indices.map {
                    (shifted[$0] - ($0 < polynomial.count ? points[j] * polynomial[$0] : 0)) * scale
                }
            }
            return to.signal * zip(polynomial, moments).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }

    /// What diffusers adds to the first and takes from the second weight of two, where the exact integral is replaced by a
    /// simpler one of the same order; `divisor` is the distance of the two nodes, or the step in the corrector.
    func simplification(by divisor: Double) -> Double {
        let exact = (h * rate - 1 + exp(-rate * h)) / (rate * rate)
        return to.signal * rate * (h * h / 2 - exact) / divisor
    }

    /// The predictor.
    func predictor(_ weights: [Double]) -> Combination {
        Combination(
            latents: Float(scale), present: Float(weights[0]), past: weights.dropFirst().map { Float($0) },
            noise: Float(noise))
    }

    /// The corrector: what the predictor of this step made, with other weights for the predictions. So its noise stays.
    /// `predicted` are the predictor's weights, the latest first, as seen from the row before.
    static func corrector(_ weights: [Double], predicted: [Double], stride: Int = 1) -> Combination {
        var past = [Double](repeating: 0, count: max(weights.count - 1, predicted.count) * stride)
        for (k, weight) in weights.dropFirst().enumerated() { past[k * stride] += weight }
        for (k, weight) in predicted.enumerated() { past[k * stride] -= weight }
        return Combination(latents: 1, present: Float(weights[0]), past: past.map { Float($0) })
    }
}
