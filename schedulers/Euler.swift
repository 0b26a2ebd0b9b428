// Euler's method on the probability-flow ODE (Karras et al. 2022, algorithm 2 without churn).
// Reference: diffusers EulerDiscreteScheduler, EDMEulerScheduler; ComfyUI's `sample_euler` over its levels.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func euler(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder.diffusers(configuration, run, rescaled: .tiny) { noise throws(SchedulerError) in
            var levels = try SigmaSteps(
                configuration, noise: noise, run: run, spread: try .configured(configuration, sampler: run.sampler),
                last: try configuration.endsAtZero() ? 0 : Double(noise.sigmas[0]),
                logLinear: try configuration.text("interpolation_type", default: "linear") == "log_linear")
            if try configuration.text("timestep_type", default: "discrete") == "continuous",
                try configuration.objective() == .velocity
            {
                levels.timesteps = levels.sigmas.dropLast().map { 0.25 * log($0) }
            }
            return levels
        }
        return ladder.plan(
            ladder.range.map { i in
                var step = ladder.row(i)
                step.update = .euler(from: ladder.sigmas[i], to: ladder.sigmas[i + 1])
                return step
            })
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
