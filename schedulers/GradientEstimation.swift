// Gradient estimation (Permenter & Yuan 2024, γ = 2): Euler with the slope extrapolated from the one before, also with CFG++.
// Reference: ComfyUI's `sample_gradient_estimation`. The first and the last step are Euler's; the prediction is the slope.

extension SamplingPlan {
    static func gradientEstimation(
        _ configuration: SchedulerConfiguration, _ run: Run, isPlusPlus: Bool
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let steps = ladder.range.map { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            var step = ladder.slopeRow(i)
            step.remembersUnguided = isPlusPlus
            step.update = ladder.denoised(i)
            guard !ladder.isLast(i) else { return step }
            let change = i > ladder.range.lowerBound ? next - sigma : 0
            if isPlusPlus {
                step.update.unguided = Float(next + change)
            } else {
                step.update = Combination(latents: 1, present: Float(next - sigma + change))
            }
            step.update.past = [Float(-change)]
            return step
        }
        return ladder.plan(steps, history: 1)
    }
}
