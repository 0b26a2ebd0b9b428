// DDIM (Song et al. 2020, eq. 12 and 16).
// Reference: diffusers DDIMScheduler, which steps by T / steps timesteps whatever the spacing, and clips the denoised
// picture but not the noise. Karras, exponential, beta and simple levels, which that class lacks, follow ComfyUI: the
// same update between neighbouring levels, down to no noise.

extension SamplingPlan {
    static func ddim(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        try configuration.refuseThresholding(for: run.sampler)
        let clip = try configuration.clip(default: true)
        let noise = try TrainingNoise(configuration, sampler: run.sampler, rescaled: .zero)
        let final = try configuration.flag("set_alpha_to_one", default: true) ? 1 : try noise.product(0)
        var rows: [(timestep: Double, product: Double, next: Double)] = []
        if let levels = try ProductSteps(configuration, noise: noise, run: run) {
            rows = levels.rows
        } else {
            let spacing = try Spacing(configuration, default: .leading)
            let stride = noise.total / run.steps
            for timestep in spacing.timesteps(
                steps: run.steps, total: noise.total, offset: try configuration.integer("steps_offset", default: 0))
            {
                let t = Int(timestep.rounded(.toNearestOrEven))
                rows.append((Double(t), try noise.product(t), t >= stride ? try noise.product(t - stride) : final))
            }
        }
        let steps = rows.dropFirst(run.begin).map { timestep, product, next in
            let level = Level.preserving(product)
            let (denoised, epsilon) = (level.denoised(objective), level.epsilon(objective))
            let variance = (1 - next) / (1 - product) * (1 - product / next)
            let deviation = run.eta * variance.squareRoot()
            let direction = (1 - next - deviation * deviation).squareRoot()
            return Step(
                timestep: Float(timestep), skip: Float(denoised.skip), out: Float(denoised.out), clip: clip,
                update: Combination(
                    latents: Float(direction * epsilon.skip), output: Float(direction * epsilon.out),
                    present: Float(next.squareRoot()), noise: Float(deviation)),
                draws: run.eta > 0 ? 1 : 0, preview: Step.Preview(denoised), level: level.entry)
        }
        return SamplingPlan(steps: Array(steps), initialNoise: 1, history: 0)
    }
}

/// ᾱ of neighbouring levels, where the user named a schedule that DDIM, DDPM and LCM have no key for.
struct ProductSteps {
    var rows: [(timestep: Double, product: Double, next: Double)]

    /// Nil where the class's own timesteps hold.
    init?(_ configuration: SchedulerConfiguration, noise: TrainingNoise, run: Run) throws(SchedulerError) {
        guard run.namedSpread != nil || run.schedule == .simple else { return nil }
        let levels = try SigmaSteps(configuration, noise: noise, run: run, spread: run.namedSpread)
        let products = levels.sigmas.map { 1 / (1 + $0 * $0) }
        rows = levels.timesteps.indices.map { (levels.timesteps[$0], products[$0], products[$0 + 1]) }
    }
}
