// Euler's method with fresh noise after every step (k-diffusion's ancestral sampling, η = 1).
// Reference: diffusers EulerAncestralDiscreteScheduler, which draws noise on the last step too, where its weight is 0.
// It has no Karras, exponential or beta levels; those follow EulerDiscreteScheduler, as ComfyUI's sampler does. Over
// ComfyUI's levels and for flow models: ComfyUI's `sample_euler_ancestral`, which draws none on a step to no noise.

extension SamplingPlan {
    static func eulerAncestral(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError)
        -> SamplingPlan
    {
        let ladder = try Ladder.diffusers(configuration, run, rescaled: .tiny) { noise throws(SchedulerError) in
            try SigmaSteps(configuration, noise: noise, run: run, spread: run.namedSpread)
        }
        return ladder.plan(
            ladder.range.map { i in
                let split = ladder.ancestralSplit(i)
                var step = ladder.row(i)
                step.update = .euler(from: ladder.sigmas[i], to: split.down).renoised(by: split)
                step.draws = run.followsDiffusers || !ladder.isLast(i) ? 1 : 0
                return step
            })
    }
}

/// A level to step down to, and what brings the latents up to the step's level again: x ← scale·x + up·ε.
struct AncestralSplit {
    var down, up: Double
    var scale = 1.0
}

extension Ladder {
    /// The whole of a step's noise as fresh noise (η = 1). A flow's latents lose signal on the way up, so they are scaled.
    func ancestralSplit(_ step: Int) -> AncestralSplit {
        let (from, to) = (sigmas[step], sigmas[step + 1])
        guard model.isFlow else {
            let (down, up) = Schedulers.ancestralSplit(from: from, to: to)
            return AncestralSplit(down: down, up: up)
        }
        guard to > 0 else { return AncestralSplit(down: 0, up: 0) }
        let down = to * to / from
        let scale = (1 - to) / (1 - down)
        return AncestralSplit(down: down, up: (to * to - down * down * scale * scale).squareRoot(), scale: scale)
    }
}

extension Combination {
    /// The combination, scaled and with noise, as an ancestral step ends.
    func renoised(by split: AncestralSplit) -> Combination {
        var result = self
        let scale = Float(split.scale)
        if scale != 1 {
            result.latents *= scale
            result.saved *= scale
            result.output *= scale
            result.present *= scale
            result.unguided *= scale
            result.past = past.map { $0 * scale }
        }
        result.noise = Float(split.up)
        return result
    }
}

/// The level to step down to, and the noise to add to be at `to` again.
func ancestralSplit(from: Double, to: Double) -> (down: Double, up: Double) {
    let up = min(to, (to * to * (from * from - to * to) / (from * from)).squareRoot())
    return ((to * to - up * up).squareRoot(), up)
}
