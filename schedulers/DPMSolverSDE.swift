// DPM-Solver++ as an SDE, second order by a midpoint (k-diffusion's `sample_dpmpp_sde`). Two rows a step; the last
// step, which ends at no noise, has one and no noise.
// Reference: diffusers DPMSolverSDEScheduler. Its noise is the increment of one Brownian path over σ, so that the
// midpoint's noise is part of the whole step's.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func dpmSolverSDE(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan
    {
        let objective = try configuration.objective()
        let noise = try TrainingNoise(configuration, sampler: run.sampler, start: 0.00085, end: 0.012)
        let levels = try SigmaSteps(
            configuration, noise: noise, run: run, spread: try .configured(configuration, sampler: run.sampler),
            bounded: false)
        let steps = run.kept(of: run.steps).flatMap { i in
            let (sigma, next) = (levels.sigmas[i], levels.sigmas[i + 1])
            var first = Step.exploding(sigma: sigma, timestep: levels.timesteps[i], objective: objective)
            guard i + 1 < run.steps else {
                first.update = .euler(from: sigma, to: next)
                return [first]
            }
            let middle = Double(SinglePrecision.middle(Float(sigma), Float(next)))
            first.saves = true
            let (midDown, midUp) = ancestralSplit(from: sigma, to: middle)
            first.update = .euler(from: sigma, to: midDown)
            first.update.noise = Float(midUp)
            first.interval = SinglePrecision.interval(from: Float(sigma), to: Float(middle), isMiddle: true)

            let exact = (levels.exact[i] * levels.exact[i + 1]).squareRoot()
            var second = Step.exploding(sigma: middle, timestep: noise.timestep(ofSigma: exact), objective: objective)
            let (down, up) = ancestralSplit(from: sigma, to: next)
            second.update = Combination(saved: Float(down / sigma), present: Float(1 - down / sigma), noise: Float(up))
            second.interval = SinglePrecision.interval(from: Float(sigma), to: Float(next), isMiddle: false)
            second.level = Level.exploding(next).entry
            return [first, second]
        }
        let positive = levels.sigmas.filter { $0 > 0 }
        let seed = try configuration.number("noise_sampler_seed").flatMap { UInt64(exactly: $0) }
        return SamplingPlan(
            steps: steps, initialNoise: levels.initialNoise, history: 0,
            path: Step.Interval(from: Float(positive.min() ?? 0), to: Float(positive.max() ?? 0)), pathSeed: seed)
    }
}

/// The reference passes levels through t = -ln σ in single precision. A Brownian path tells levels 10⁻⁶ apart, so those
/// roundings are made here too.
private enum SinglePrecision {
    static func time(_ sigma: Float) -> Float { -Float(log(Double(sigma))) }
    static func sigma(_ time: Float) -> Float { Float(exp(Double(-time))) }

    /// σ halfway in t.
    static func middle(_ from: Float, _ to: Float) -> Float {
        let (start, end) = (time(from), time(to))
        return sigma(start + (end - start) * 0.5)
    }

    /// The levels that the path is asked for; a midpoint has already passed through t.
    static func interval(from: Float, to: Float, isMiddle: Bool) -> Step.Interval {
        Step.Interval(from: sigma(time(from)), to: isMiddle ? to : sigma(time(to)))
    }
}
