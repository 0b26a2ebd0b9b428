// DPM-Solver-2: the slope at the geometric mean of two levels carries the whole step (Karras et al. 2022, as k-diffusion's
// `sample_dpm_2`), also with fresh noise after every step. Two rows a step; the last step, which ends at no noise, has one.
// Reference: diffusers KDPM2DiscreteScheduler and KDPM2AncestralDiscreteScheduler, which round the timesteps of Karras
// levels; ComfyUI's `sample_dpm_2` and `sample_dpm_2_ancestral` over its levels and for flow models.

extension SamplingPlan {
    static func dpm2(
        _ configuration: SchedulerConfiguration, _ run: Run, isAncestral: Bool
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder.diffusers(configuration, run, start: 0.00085, end: 0.012) {
            noise throws(SchedulerError) in
            let spread = try NoiseSpread.configured(configuration, sampler: run.sampler)
            var levels = try SigmaSteps(configuration, noise: noise, run: run, spread: spread)
            if spread == .karras { levels.timesteps = levels.timesteps.map { $0.rounded(.toNearestOrEven) } }
            return levels
        }
        let steps = ladder.range.flatMap { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            let split = isAncestral ? ladder.ancestralSplit(i) : AncestralSplit(down: next, up: 0)
            let middle = (sigma * split.down).squareRoot()
            var first = ladder.row(i)
            first.update = .euler(from: sigma, to: middle)
            guard split.down > 0 else { return [first] }
            first.saves = true

            // x ← saved + (down - σ) (x - d) / middle
            var second = ladder.row(sigma: middle, next: next)
            let slope = (split.down - sigma) / middle
            second.update = Combination(latents: Float(slope), saved: 1, present: Float(-slope)).renoised(by: split)
            second.draws = isAncestral ? 1 : 0
            return [first, second]
        }
        return ladder.plan(steps)
    }
}
