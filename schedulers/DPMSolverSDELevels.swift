// The DPM-Solver++ SDEs of ComfyUI, whose noise is the increment of one Brownian path over σ: singlestep of second order
// (`dpmpp_sde` over ComfyUI's levels and for flow models), multistep of second and third order with Heun's coefficients
// (`dpmpp_2m_sde_heun`, `dpmpp_3m_sde`).
// Reference: ComfyUI's `sample_dpmpp_sde`, `sample_dpmpp_2m_sde_heun` and `sample_dpmpp_3m_sde`, η = 1.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func dpmSolverSDELevels(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run, offsets: true)
        let steps = ladder.range.flatMap { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            var first = ladder.row(i)
            guard next > 0 else {
                first.update = .denoised
                return [first]
            }
            let (start, end) = (ladder.level(i), ladder.level(i + 1))
            let middleSigma = ladder.sigma(logRatio: (start.logRatio + end.logRatio) / 2)
            let middle = ladder.model.level(middleSigma)
            // Both parts go down to a lower level, over ratios ρ = noise / signal, and up again by fresh noise.
            func part(to level: Level) -> (scale: Double, present: Double, noise: Double) {
                let split = ancestralSplit(from: exp(-start.logRatio), to: exp(-level.logRatio))
                let kept = split.down * exp(start.logRatio)
                return (level.signal / start.signal * kept, level.signal * (1 - kept), level.signal * split.up)
            }
            let half = part(to: middle)
            first.saves = true
            first.update = Combination(
                latents: Float(half.scale), present: Float(half.present), noise: Float(half.noise))
            first.interval = ladder.interval(from: sigma, to: middleSigma)
            let whole = part(to: end)
            var second = ladder.row(sigma: middleSigma, next: next)
            second.update = Combination(
                saved: Float(whole.scale), present: Float(whole.present), noise: Float(whole.noise))
            second.interval = ladder.interval(from: sigma, to: next)
            return [first, second]
        }
        return ladder.plan(steps, path: ladder.path)
    }

    /// Of order up to `maximum`, 2 or 3.
    static func dpmSolverMultistepSDE(
        _ configuration: SchedulerConfiguration, _ run: Run, order maximum: Int
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run, offsets: true)
        let steps = ladder.range.map { i in
            var step = ladder.row(i)
            guard !ladder.isLast(i) else {
                step.update = .denoised
                return step
            }
            let h = ladder.logRatio(i + 1) - ladder.logRatio(i)
            let end = ladder.level(i + 1)
            let growth = -expm1(-2 * h)
            var weights = [end.signal * growth]
            let second = 1 - growth / (2 * h)
            let order = min(maximum, i - ladder.range.lowerBound + 1)
            if order > 1 {
                let r0 = (ladder.logRatio(i) - ladder.logRatio(i - 1)) / h
                let w1 = end.signal * second
                if order == 2 {
                    weights = [weights[0] + w1 / r0, -w1 / r0]
                } else {
                    let r1 = (ladder.logRatio(i - 1) - ladder.logRatio(i - 2)) / h
                    let w2 = -end.signal * (second / (2 * h) - 0.5)
                    // D₁ = D₁₀ + (D₁₀ - D₁₁)·r₀/(r₀ + r₁), D₂ = (D₁₀ - D₁₁)/(r₀ + r₁)
                    let difference = (w1 * r0 + w2) / (r0 + r1)
                    let (d10, d11) = ((w1 + difference) / r0, -difference / r1)
                    weights = [weights[0] + d10, d11 - d10, -d11]
                }
            }
            step.update = Combination(
                latents: Float(ladder.sigmas[i + 1] / ladder.sigmas[i] * exp(-h)), present: Float(weights[0]),
                past: weights.dropFirst().map { Float($0) }, noise: Float(ladder.sigmas[i + 1] * growth.squareRoot()))
            step.interval = ladder.interval(from: ladder.sigmas[i], to: ladder.sigmas[i + 1])
            return step
        }
        return ladder.plan(steps, history: maximum - 1, path: ladder.path)
    }
}
