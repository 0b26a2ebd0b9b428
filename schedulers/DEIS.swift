// DEIS (Zhang & Chen 2022): exponential integrators with a polynomial through earlier predictions, by two hands.
//
// `deis_diffusers`  diffusers DEISMultistepScheduler: the polynomial is in ln ρ, ρ = noise / signal.
// `deis`            ComfyUI's `sample_deis`: the polynomial is in the time of a variance-preserving process, and its
//                   integrals are sums over 10,000 points.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func deisDiffusers(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let limit = try configuration.limit(clips: nil)
        let maximum = try configuration.integer("solver_order", default: 2)
        guard (1...3).contains(maximum) else {
            throw .unsupported(key: "solver_order", value: "\(maximum)", sampler: run.sampler)
        }
        let levels = try MultistepLevels(configuration, run: run, rules: .deis)
        let count = levels.timesteps.count
        let lowers = try configuration.flag("lower_order_final", default: true) && count < 15
        let steps = levels.range.map { i in
            let (now, next) = (levels.levels[i], levels.levels[i + 1])
            let bound = lowers && i == count - 1 ? 1 : lowers && i == count - 2 ? 2 : 3
            let order = min(maximum, i - levels.range.lowerBound + 1, bound)
            var step = levels.row(i, objective, predictsNoise: limit == nil, limit: limit)
            if limit != nil {
                step.conversion = Step.Preview(
                    skip: Float(1 / now.noise), out: Float(-now.signal / now.noise))
            }
            let ratios = (0..<order).map { levels.levels[i - $0].noise / levels.levels[i - $0].signal }
            let weights = logarithmicWeights(ratios, to: next.noise / next.signal).map { Float(next.signal * $0) }
            step.update = Combination(
                latents: Float(next.signal / now.signal), present: weights[0], past: Array(weights.dropFirst()))
            return step
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: maximum - 1)
    }

    /// ∫ from the first of `ratios` to `end` of the Lagrange polynomials in ln ρ.
    private static func logarithmicWeights(_ ratios: [Double], to end: Double) -> [Double] {
        let logs = ratios.map { log($0) }
        let start = ratios[0]
        // ρ·ln ρ and ρ·(ln ρ)² vanish with ρ.
        func moment(_ power: Int, _ ratio: Double) -> Double {
            guard ratio > 0 else { return 0 }
            let l = log(ratio)
            return switch power {
            case 0: ratio
            case 1: ratio * (l - 1)
            default: ratio * (l * l - 2 * l + 2)
            }
        }
        let moments = (0..<3).map { moment($0, end) - moment($0, start) }
        return logs.indices.map { k in
            let others = logs.indices.filter { $0 != k }.map { logs[$0] }
            let scale = others.reduce(1) { $0 * (logs[k] - $1) }
            return switch others.count {
            case 0: moments[0]
            case 1: (moments[1] - others[0] * moments[0]) / scale
            default:
                (moments[2] - (others[0] + others[1]) * moments[1] + others[0] * others[1] * moments[0]) / scale
            }
        }
    }

    static func deis(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let process = PreservingProcess(least: 0.002, most: 80, start: 1e-3)
        let times = ladder.sigmas.map(process.time)
        let steps = ladder.range.map { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            var step = ladder.slopeRow(i)
            let order = ladder.isLast(i) ? 1 : min(3, i - ladder.range.lowerBound + 1)
            guard order > 1 else {
                step.update = Combination(latents: 1, present: Float(next - sigma))
                return step
            }
            let weights = process.weights(nodes: (0..<order).map { times[i - $0] }, to: times[i + 1])
            step.update = Combination(
                latents: 1, present: Float(weights[0]), past: weights.dropFirst().map { Float($0) })
            return step
        }
        return ladder.plan(steps, history: 2)
    }
}

/// The variance-preserving process with linear β (Song et al. 2020) whose time DEIS interpolates over.
private struct PreservingProcess {
    private let slope, low: Double

    /// The process between whose ends σ runs from `least`, at time `start`, to `most`, at time 1.
    init(least: Double, most: Double, start: Double) {
        let (first, last) = (log(least * least + 1), log(most * most + 1))
        slope = 2 * (first / start - last) / (start - 1)
        low = last - 0.5 * slope
    }

    func time(_ sigma: Double) -> Double {
        ((low * low + 2 * slope * log(sigma * sigma + 1)).squareRoot() - low) / slope
    }

    /// Sums of dσ/dt times the Lagrange polynomials over the times from the first node to `end`.
    func weights(nodes: [Double], to end: Double) -> [Double] {
        let points = 10_000
        var sums = [Double](repeating: 0, count: nodes.count)
        for time in Spacing.line(from: nodes[0], to: end, count: points) {
            let exponent = -0.5 * time * time * slope - time * low
            let product = exp(exponent)
            let rate = 0.5 * (time * slope + low) / (product * -expm1(exponent)).squareRoot()
            for k in nodes.indices {
                sums[k] += nodes.indices.reduce(rate) {
                    $1 == k ? $0 : $0 * (time - nodes[$1]) / (nodes[k] - nodes[$1])
                }
            }
        }
        return sums.map { $0 * (end - nodes[0]) / Double(points) }
    }
}
