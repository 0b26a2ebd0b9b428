// Linear multistep (Adams–Bashforth in σ) of order up to 4.
// Reference: diffusers LMSDiscreteScheduler. The prediction is the slope (x - denoised) / σ.

extension SamplingPlan {
    static func lms(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let noise = try TrainingNoise(configuration, sampler: run.sampler)
        let levels = try SigmaSteps(
            configuration, noise: noise, run: run, spread: try .configured(configuration, sampler: run.sampler),
            bounded: false)
        let steps = (run.begin..<run.steps).map { i in
            let sigma = levels.sigmas[i]
            var step = Step.exploding(sigma: sigma, timestep: levels.timesteps[i], objective: objective)
            let slope = Level.exploding(sigma).epsilon(objective)
            (step.skip, step.out) = (Float(slope.skip), Float(slope.out))
            // The order counts steps of the schedule, also those that image-to-image leaves out; the slopes that are
            // missing then count as nothing, as in the reference.
            let order = min(i + 1, 4)
            let weights = (0..<order).map { k in
                let nodes = (0..<order).map { levels.sigmas[i - $0] }
                return Float(lagrangeIntegral(nodes, index: k, from: sigma, to: levels.sigmas[i + 1]))
            }
            step.update = Combination(latents: 1, present: weights[0], past: Array(weights[1...].prefix(i - run.begin)))
            return step
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: 3)
    }
}

/// ∫ of the Lagrange basis polynomial that is 1 at `nodes[index]`, exact for up to four nodes (two-point Gauss rule).
private func lagrangeIntegral(_ nodes: [Double], index: Int, from: Double, to: Double) -> Double {
    func basis(_ x: Double) -> Double {
        nodes.indices.reduce(1) { product, j in
            j == index ? product : product * (x - nodes[j]) / (nodes[index] - nodes[j])
        }
    }
    let (centre, half) = ((from + to) / 2, (to - from) / 2)
    let offset = half / (3.0).squareRoot()
    return half * (basis(centre - offset) + basis(centre + offset))
}
