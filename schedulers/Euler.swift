// Euler's method on the probability-flow ODE (Karras et al. 2022, algorithm 2 without churn).
// Reference: diffusers EulerDiscreteScheduler.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func euler(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let noise = try TrainingNoise(configuration, sampler: run.sampler, rescaled: .tiny)
        let levels = try SigmaSteps(
            configuration, noise: noise, run: run, spread: try .configured(configuration, sampler: run.sampler),
            last: try configuration.endsAtZero() ? 0 : Double(noise.sigmas[0]),
            logLinear: try configuration.text("interpolation_type", default: "linear") == "log_linear")
        let continuous =
            try configuration.text("timestep_type", default: "discrete") == "continuous" && objective == .velocity
        let steps = (run.begin..<run.steps).map { i in
            let (sigma, next) = (levels.sigmas[i], levels.sigmas[i + 1])
            var step = Step.exploding(
                sigma: sigma, timestep: continuous ? 0.25 * log(sigma) : levels.timesteps[i], objective: objective)
            step.update = .euler(from: sigma, to: next)
            return step
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: 0)
    }
}

extension Combination {
    /// x + (x - denoised) / from · (to - from)
    static func euler(from: Double, to: Double) -> Combination {
        Combination(latents: Float(to / from), present: Float(1 - to / from))
    }
}

extension SchedulerConfiguration {
    /// Whether the last step removes all noise, and not only down to the first training level.
    func endsAtZero() throws(SchedulerError) -> Bool {
        switch try text("final_sigmas_type", default: "zero") {
        case "zero": true
        case "sigma_min": false
        default: throw .wrongType(key: "final_sigmas_type", expected: "zero, sigma_min")
        }
    }
}
