// Euler's method with fresh noise after every step (k-diffusion's ancestral sampling, η = 1).
// Reference: diffusers EulerAncestralDiscreteScheduler, which draws noise on the last step too, where its weight is 0.
// It has no Karras, exponential or beta levels; those follow EulerDiscreteScheduler, as ComfyUI's sampler does.

extension SamplingPlan {
    static func eulerAncestral(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError)
        -> SamplingPlan
    {
        let objective = try configuration.objective()
        let noise = try TrainingNoise(configuration, sampler: run.sampler, rescaled: .tiny)
        let levels = try SigmaSteps(configuration, noise: noise, run: run, spread: run.namedSpread)
        let steps = (run.begin..<run.steps).map { i in
            let (sigma, next) = (levels.sigmas[i], levels.sigmas[i + 1])
            let (down, up) = ancestralSplit(from: sigma, to: next)
            var step = Step.exploding(sigma: sigma, timestep: levels.timesteps[i], objective: objective)
            step.update = .euler(from: sigma, to: down)
            step.update.noise = Float(up)
            step.draws = 1
            return step
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: 0)
    }
}

/// The level to step down to, and the noise to add to be at `to` again.
func ancestralSplit(from: Double, to: Double) -> (down: Double, up: Double) {
    let up = min(to, (to * to * (from * from - to * to) / (from * from)).squareRoot())
    return ((to * to - up * up).squareRoot(), up)
}
