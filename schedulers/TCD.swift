// Trajectory consistency distillation (Zheng et al. 2024, strategic stochastic sampling): jump along the trajectory to
// the share (1 - γ) of the next timestep, then add noise up to it. γ is the request's η.
// Reference: diffusers TCDScheduler: timesteps are a subset of the `original_inference_steps`; the last step draws nothing.

extension SamplingPlan {
    static func tcd(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let noise = try TrainingNoise(
            configuration, sampler: run.sampler, start: 0.00085, end: 0.012, schedule: "scaled_linear", rescaled: .zero)
        let original = try configuration.integer("original_inference_steps", default: 50)
        guard original > 0, original <= noise.total else {
            throw .unsupported(key: "original_inference_steps", value: "\(original)", sampler: run.sampler)
        }
        guard run.steps <= original else {
            throw .stepsOutOfRange(run.steps, allowed: 1...original, sampler: run.sampler)
        }
        let timesteps = (0..<run.steps).map { i in
            (original - Int(Double(i) * (Double(original) / Double(run.steps)))) * (noise.total / original) - 1
        }
        var steps: [Step] = []
        for i in run.kept(of: run.steps) {
            let isLast = i + 1 == run.steps
            let next = isLast ? 0 : timesteps[i + 1]
            let level = Level.preserving(try noise.product(timesteps[i]))
            let target = Level.preserving(try noise.product(Int((1 - run.eta) * Double(next))))
            let (denoised, epsilon) = (level.denoised(objective), level.epsilon(objective))
            let draws = run.eta > 0 && !isLast
            let kept = draws ? try noise.product(next) / (target.signal * target.signal) : 1
            let scale = kept.squareRoot()
            steps.append(
                Step(
                    timestep: Float(timesteps[i]), skip: Float(denoised.skip), out: Float(denoised.out),
                    update: Combination(
                        latents: Float(scale * target.noise * epsilon.skip),
                        output: Float(scale * target.noise * epsilon.out), present: Float(scale * target.signal),
                        noise: draws ? Float((1 - kept).squareRoot()) : 0),
                    draws: draws ? 1 : 0, preview: Step.Preview(denoised), level: level.entry))
        }
        return SamplingPlan(steps: steps, initialNoise: 1, history: 0)
    }
}
