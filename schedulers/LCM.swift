// Latent consistency models (Luo et al. 2023): jump to the denoised picture, add noise, repeat.
// Reference: diffusers LCMScheduler: timesteps are a subset of the `original_inference_steps` that the model was
// distilled on; the last step adds no noise and draws none. Flow models: FlowMatchLCMScheduler, which draws there too.
// Over ComfyUI's levels: its `sample_lcm`, without the boundary condition.

extension SamplingPlan {
    static func lcm(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        guard run.kind == .trained else { return try flowMatchLCM(configuration, run) }
        let objective = try configuration.objective()
        let limit = run.followsDiffusers ? try configuration.limit(clips: false) : nil
        let scaling = try configuration.number("timestep_scaling", default: 10)
        let noise = try TrainingNoise(
            configuration, sampler: run.sampler, start: 0.00085, end: 0.012, schedule: "scaled_linear", rescaled: .zero)
        var rows: [(timestep: Double, product: Double, next: Double)] = []
        var initialNoise: Float = 1
        if let levels = try ProductSteps(configuration, noise: noise, run: run) {
            (rows, initialNoise) = (levels.rows, levels.initialNoise)
        } else {
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
            for (i, t) in timesteps.enumerated() {
                let next = i + 1 < timesteps.count ? try noise.product(timesteps[i + 1]) : 1
                rows.append((Double(t), try noise.product(t), next))
            }
        }
        let steps = run.kept(of: rows.count).map { i in
            let (timestep, product, next) = rows[i]
            let level = Level.preserving(product)
            let denoised = level.denoised(objective)
            // The boundary condition f(x, 0) = x, with σ_data = ½.
            let time = timestep * scaling
            let (skip, out) =
                run.followsDiffusers
                ? (0.25 / (time * time + 0.25), time / (time * time + 0.25).squareRoot()) : (0, 1)
            let isLast = i + 1 == rows.count
            let signal = isLast ? 1 : next.squareRoot()
            return Step(
                timestep: Float(timestep), skip: Float(denoised.skip), out: Float(denoised.out), limit: limit,
                update: Combination(
                    latents: Float(signal * skip), present: Float(signal * out),
                    noise: isLast ? 0 : Float((1 - next).squareRoot())),
                draws: isLast ? 0 : 1, preview: Step.Preview(denoised), level: level.entry)
        }
        return SamplingPlan(steps: steps, initialNoise: initialNoise, history: 0)
    }
    private static func flowMatchLCM(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        return ladder.plan(
            ladder.range.map { i in
                let next = ladder.level(i + 1)
                var step = ladder.row(i)
                step.update = Combination(present: Float(next.signal), noise: Float(next.noise))
                step.draws = ladder.isLast(i) && run.schedule != nil ? 0 : 1
                return step
            })
    }
}
