// How noise levels are spread between the largest and the smallest.
//
// Reference: `_convert_to_karras`, `_convert_to_exponential`, `_convert_to_beta`, `_convert_to_lu` of diffusers.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

enum NoiseSpread: String, CaseIterable {
    case karras = "use_karras_sigmas"
    case exponential = "use_exponential_sigmas"
    case beta = "use_beta_sigmas"
    case lu = "use_lu_lambdas"

    /// What the configuration asks for, if anything; `known` are the keys that the class reads.
    static func configured(
        _ configuration: SchedulerConfiguration, known: [NoiseSpread] = [.karras, .exponential, .beta], sampler: Sampler
    ) throws(SchedulerError) -> NoiseSpread? {
        var found: NoiseSpread?
        for spread in known where try configuration.flag(spread.rawValue, default: false) {
            if let found {
                throw .unsupported(key: spread.rawValue, value: "true beside \(found.rawValue)", sampler: sampler)
            }
            found = spread
        }
        return found
    }

    /// `count` levels from `high` to `low`.
    func levels(from high: Double, to low: Double, count: Int, rho: Double = 7) -> [Double] {
        switch self {
        case .karras:
            let (start, end) = (pow(high, 1 / rho), pow(low, 1 / rho))
            return Spacing.line(from: 0, to: 1, count: count).map { pow(start + $0 * (end - start), rho) }
        case .exponential, .lu:
            return Spacing.line(from: log(high), to: log(low), count: count).map { exp($0) }
        case .beta:
            return Spacing.line(from: 0, to: 1, count: count).map {
                low + BetaDistribution(alpha: 0.6, beta: 0.6).quantile(1 - $0) * (high - low)
            }
        }
    }
}

/// The beta distribution's quantiles.
struct BetaDistribution {
    let alpha, beta: Double

    /// The x with P(X ≤ x) = p, to double precision.
    func quantile(_ p: Double) -> Double {
        if p <= 0 { return 0 }
        if p >= 1 { return 1 }
        var (low, high) = (0.0, 1.0)
        for _ in 0..<200 {
            let middle = 0.5 * (low + high)
            if middle == low || middle == high { break }
            if cumulative(middle) < p { low = middle } else { high = middle }
        }
        return 0.5 * (low + high)
    }

    /// P(X ≤ x): the regularised incomplete beta function, by its continued fraction (Abramowitz & Stegun 26.5.8).
    func cumulative(_ x: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        if x > (alpha + 1) / (alpha + beta + 2) {
            return 1 - BetaDistribution(alpha: beta, beta: alpha).cumulative(1 - x)
        }
        let complete = tgamma(alpha) * tgamma(beta) / tgamma(alpha + beta)
        let front = pow(x, alpha) * pow(1 - x, beta) / (alpha * complete)
        return front * continuedFraction(x)
    }

    /// Modified Lentz evaluation.
    private func continuedFraction(_ x: Double) -> Double {
        let tiny = 1e-300
        var c = 1.0
        var d = 1 / nonzero(1 - (alpha + beta) * x / (alpha + 1))
        var value = d
        func nonzero(_ y: Double) -> Double { abs(y) < tiny ? tiny : y }
        for i in 1...400 {
            let m = Double(i)
            let even = m * (beta - m) * x / ((alpha + 2 * m - 1) * (alpha + 2 * m))
            d = 1 / nonzero(1 + even * d)
            c = nonzero(1 + even / c)
            value *= d * c
            let odd = -(alpha + m) * (alpha + beta + m) * x / ((alpha + 2 * m) * (alpha + 2 * m + 1))
            d = 1 / nonzero(1 + odd * d)
            c = nonzero(1 + odd / c)
            let change = d * c
            value *= change
            if abs(change - 1) < 1e-16 { break }
        }
        return value
    }
}
