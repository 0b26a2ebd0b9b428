// DPM-Solver-2: the slope at the geometric mean of two levels carries the whole step (Karras et al. 2022, as k-diffusion's
// `sample_dpm_2`). Two rows a step; the last step, which ends at no noise, has one.
// Reference: diffusers KDPM2DiscreteScheduler, which rounds the timesteps of Karras levels.

extension SamplingPlan {
    static func dpm2(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let spread = try NoiseSpread.configured(configuration, sampler: run.sampler)
        let noise = try TrainingNoise(configuration, sampler: run.sampler, start: 0.00085, end: 0.012)
        let levels = try SigmaSteps(configuration, noise: noise, run: run, spread: spread)
        let steps = (run.begin..<run.steps).flatMap { i in
            let (sigma, next) = (levels.sigmas[i], levels.sigmas[i + 1])
            let middle = (sigma * next).squareRoot()
            let timestep = levels.timesteps[i]
            var first = Step.exploding(
                sigma: sigma, timestep: spread == .karras ? timestep.rounded(.toNearestOrEven) : timestep,
                objective: objective)
            first.update = .euler(from: sigma, to: middle)
            guard i + 1 < run.steps else { return [first] }
            first.saves = true

            // x ← saved + (next - σ) (x - d) / middle
            var second = Step.exploding(sigma: middle, timestep: noise.timestep(ofSigma: middle), objective: objective)
            let slope = (next - sigma) / middle
            second.update = Combination(latents: Float(slope), saved: 1, present: Float(-slope))
            second.level = Level.exploding(next).entry
            return [first, second]
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: 0)
    }
}
