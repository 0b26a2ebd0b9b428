// DPM-Solver++ (2S) with fresh noise after every step: a midpoint in λ carries the step down to the ancestral level.
// Reference: ComfyUI's `sample_dpmpp_2s_ancestral`, also for flow models; it is k-diffusion's. Two rows a step; the last has
// one and draws nothing.

extension SamplingPlan {
    static func dpmSolver2SAncestral(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let steps = ladder.range.flatMap { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            let split = ladder.ancestralSplit(i)
            var first = ladder.row(i)
            guard split.down > 0 else {
                first.update = .euler(from: sigma, to: 0)
                return [first]
            }
            // A flow's first level has no signal, hence no λ.
            let middle =
                ladder.model.isFlow && sigma >= 1
                ? 0.9999
                : ladder.sigma(
                    logRatio: (ladder.logRatio(i) + ladder.model.level(split.down).logRatio) / 2)
            first.saves = true
            first.update = .euler(from: sigma, to: middle)
            var second = ladder.row(sigma: middle, next: next)
            let kept = split.down / sigma
            second.update = Combination(saved: Float(kept), present: Float(1 - kept)).renoised(by: split)
            second.draws = 1
            return [first, second]
        }
        return ladder.plan(steps)
    }
}
