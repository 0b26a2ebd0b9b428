// DDIM (Song et al. 2020, eq. 12 and 16).
// Reference: diffusers DDIMScheduler, which steps by T / steps timesteps whatever the spacing, and clips the denoised
// picture but not the noise. Karras, exponential and beta levels, which that class lacks, and the levels of other owners
// have the same update between neighbouring levels, down to no noise: with ComfyUI's it is ComfyUI's `ddim`.

extension SamplingPlan {
    static func ddim(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let limit = run.followsDiffusers ? try configuration.limit(clips: true) : nil
        let noise = try TrainingNoise(configuration, sampler: run.sampler, rescaled: .zero)
        let final = try configuration.flag("set_alpha_to_one", default: true) ? 1 : try noise.product(0)
        var rows: [(timestep: Double, product: Double, next: Double)] = []
        var initialNoise: Float = 1
        if let levels = try ProductSteps(configuration, noise: noise, run: run) {
            (rows, initialNoise) = (levels.rows, levels.initialNoise)
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
        let steps = rows[run.kept(of: rows.count)].map { timestep, product, next in
            let level = Level.preserving(product)
            let (denoised, epsilon) = (level.denoised(objective), level.epsilon(objective))
            let variance = (1 - next) / (1 - product) * (1 - product / next)
            let deviation = run.eta * variance.squareRoot()
            let direction = (1 - next - deviation * deviation).squareRoot()
            return Step(
                timestep: Float(timestep), skip: Float(denoised.skip), out: Float(denoised.out), limit: limit,
                update: Combination(
                    latents: Float(direction * epsilon.skip), output: Float(direction * epsilon.out),
                    present: Float(next.squareRoot()), noise: Float(deviation)),
                draws: run.eta > 0 ? 1 : 0, preview: Step.Preview(denoised), level: level.entry)
        }
        return SamplingPlan(steps: Array(steps), initialNoise: initialNoise, history: 0)
    }
}

/// ᾱ of neighbouring levels, where the user named a schedule that DDIM, DDPM, LCM and TCD have no key for.
struct ProductSteps {
    var rows: [(timestep: Double, product: Double, next: Double)]
    var initialNoise: Float = 1

    /// Nil where the class's own timesteps hold.
    init?(_ configuration: SchedulerConfiguration, noise: TrainingNoise, run: Run) throws(SchedulerError) {
        let (sigmas, timesteps): ([Double], [Double])
        if !run.followsDiffusers {
            let ladder = try Ladder(configuration, run)
            sigmas = ladder.sigmas
            timesteps = sigmas.indices.dropLast().map { Double(ladder.row($0).timestep) }
            initialNoise = ladder.initialNoise / Float((1 + sigmas[0] * sigmas[0]).squareRoot())
        } else if let spread = run.namedSpread {
            let levels = try SigmaSteps(configuration, noise: noise, run: run, spread: spread)
            (sigmas, timesteps) = (levels.sigmas, levels.timesteps)
        } else {
            return nil
        }
        let products = sigmas.map { 1 / (1 + $0 * $0) }
        rows = timesteps.indices.map { (timesteps[$0], products[$0], products[$0 + 1]) }
    }
}
