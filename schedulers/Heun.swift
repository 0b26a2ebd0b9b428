// Heun's second-order method: an Euler step, then the same step with the mean of both slopes (Karras et al. 2022,
// algorithm 1). Two rows a step; the last step, which ends at no noise, has one.
// Reference: diffusers HeunDiscreteScheduler, FlowMatchHeunDiscreteScheduler; ComfyUI's `sample_heun` over its levels.

extension SamplingPlan {
    static func heun(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let limit = run.followsDiffusers ? try configuration.limit(clips: false) : nil
        let ladder = try Ladder.diffusers(configuration, run, start: 0.00085, end: 0.012) {
            noise throws(SchedulerError) in
            try SigmaSteps(
                configuration, noise: noise, run: run, spread: try .configured(configuration, sampler: run.sampler))
        }
        let count = ladder.sigmas.count - 1
        let steps = ladder.range.flatMap { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            var first = ladder.row(i)
            first.limit = limit
            first.update = .euler(from: sigma, to: next)
            guard next > 0 else { return [first] }
            first.saves = true

            // x ← saved + ½ (next - σ) [(saved - d₁) / σ + (x - d₂) / next]
            var second = i + 1 < count ? ladder.row(i + 1) : ladder.row(sigma: next)
            let half = (next - sigma) / 2
            second.limit = limit
            second.update = Combination(
                latents: Float(half / next), saved: Float(1 + half / sigma), present: Float(-half / next),
                past: [Float(-half / sigma)])
            return [first, second]
        }
        return ladder.plan(steps, history: 1)
    }
}
