// Heun's second-order method: an Euler step, then the same step with the mean of both slopes (Karras et al. 2022,
// algorithm 1). Two rows a step; the last step, which ends at no noise, has one.
// Reference: diffusers HeunDiscreteScheduler.

extension SamplingPlan {
    static func heun(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let clip = try configuration.clip(default: false)
        let noise = try TrainingNoise(configuration, sampler: run.sampler, start: 0.00085, end: 0.012)
        let levels = try SigmaSteps(
            configuration, noise: noise, run: run, spread: try .configured(configuration, sampler: run.sampler))
        let steps = (run.begin..<run.steps).flatMap { i in
            let (sigma, next) = (levels.sigmas[i], levels.sigmas[i + 1])
            var first = Step.exploding(sigma: sigma, timestep: levels.timesteps[i], objective: objective)
            first.clip = clip
            first.update = .euler(from: sigma, to: next)
            guard i + 1 < run.steps else { return [first] }
            first.saves = true

            // x ← saved + ½ (next - σ) [(saved - d₁) / σ + (x - d₂) / next]
            var second = Step.exploding(sigma: next, timestep: levels.timesteps[i + 1], objective: objective)
            let half = (next - sigma) / 2
            second.clip = clip
            second.update = Combination(
                latents: Float(half / next), saved: Float(1 + half / sigma), present: Float(-half / next),
                past: [Float(-half / sigma)])
            return [first, second]
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: 1)
    }
}
