// Linear multistep (Adams–Bashforth in σ) of order up to 4.
// Reference: diffusers LMSDiscreteScheduler; ComfyUI's `sample_lms` over its levels. The prediction is the slope
// (x - denoised) / σ.

extension SamplingPlan {
    static func lms(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder.diffusers(configuration, run) { noise throws(SchedulerError) in
            try SigmaSteps(
                configuration, noise: noise, run: run, spread: try .configured(configuration, sampler: run.sampler),
                bounded: false)
        }
        let steps = ladder.range.map { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            var step = ladder.slopeRow(i)
            // The order counts steps of the schedule, also those that image-to-image leaves out; the slopes that are
            // missing then count as nothing, as in diffusers. Elsewhere the order counts the steps of the run, and ComfyUI's
            // last step is the denoised picture.
            let done = run.followsDiffusers ? i : i - ladder.range.lowerBound
            guard next > 0 || run.schedule?.owner != .comfyUI && run.kind == .trained else {
                step.update = ladder.denoised(i)
                return step
            }
            let order = min(done + 1, 4)
            let weights = (0..<order).map { k in
                let nodes = (0..<order).map { ladder.sigmas[i - $0] }
                return Float(lagrangeIntegral(nodes, index: k, from: sigma, to: next))
            }
            step.update = Combination(
                latents: 1, present: weights[0], past: Array(weights[1...].prefix(i - ladder.range.lowerBound)))
            return step
        }
        return ladder.plan(steps, history: 3)
    }
}

/// ∫ of the Lagrange basis polynomial that is 1 at `nodes[index]`, exact for up to four nodes (two-point Gauss rule).
func lagrangeIntegral(_ nodes: [Double], index: Int, from: Double, to: Double) -> Double {
    func basis(_ x: Double) -> Double {
        nodes.indices.reduce(1) { product, j in
            j == index ? product : product * (x - nodes[j]) / (nodes[index] - nodes[j])
        }
    }
    let (centre, half) = ((from + to) / 2, (to - from) / 2)
    let offset = half / (3.0).squareRoot()
    return half * (basis(centre - offset) + basis(centre + offset))
}
