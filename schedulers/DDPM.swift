// Ancestral sampling of the trained chain (Ho et al. 2020, eq. 7 and algorithm 2).
// Reference: diffusers DDPMScheduler with fixed variances. It draws noise on every step but one at timestep 0.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func ddpm(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let limit = run.followsDiffusers ? try configuration.limit(clips: true) : nil
        let variance = try Variance(configuration, sampler: run.sampler)
        let noise = try TrainingNoise(configuration, sampler: run.sampler, rescaled: .zero)
        var rows: [(timestep: Double, product: Double, next: Double)] = []
        var initialNoise: Float = 1
        if let levels = try ProductSteps(configuration, noise: noise, run: run) {
            (rows, initialNoise) = (levels.rows, levels.initialNoise)
        } else {
            let timesteps = try Spacing(configuration, default: .leading).timesteps(
                steps: run.steps, total: noise.total, offset: try configuration.integer("steps_offset", default: 0)
            ).map { Int($0.rounded(.toNearestOrEven)) }
            for (i, t) in timesteps.enumerated() {
                let next = i + 1 < timesteps.count ? try noise.product(timesteps[i + 1]) : 1
                rows.append((Double(t), try noise.product(t), next))
            }
        }
        let steps = rows[run.kept(of: rows.count)].map { timestep, product, next in
            let level = Level.preserving(product)
            let denoised = level.denoised(objective)
            let kept = product / next
            // ComfyUI draws wherever noise is left.
            let draws = run.followsDiffusers ? timestep > 0 : next < 1
            return Step(
                timestep: Float(timestep), skip: Float(denoised.skip), out: Float(denoised.out), limit: limit,
                update: Combination(
                    latents: Float(kept.squareRoot() * (1 - next) / (1 - product)),
                    present: Float(next.squareRoot() * (1 - kept) / (1 - product)),
                    noise: draws ? Float(variance.deviation(product: product, next: next)) : 0),
                draws: draws ? 1 : 0, preview: Step.Preview(denoised), level: level.entry)
        }
        return SamplingPlan(steps: Array(steps), initialNoise: initialNoise, history: 0)
    }
}

/// `variance_type`: how much noise a step adds.
private enum Variance {
    case small, large

    init(_ configuration: SchedulerConfiguration, sampler: Sampler) throws(SchedulerError) {
        switch try configuration.text("variance_type", default: "fixed_small") {
        // The logarithmic form clamps and takes the root in another order, to the same number.
        case "fixed_small", "fixed_small_log": self = .small
        case "fixed_large": self = .large
        case let other: throw .unsupported(key: "variance_type", value: other, sampler: sampler)
        }
    }

    func deviation(product: Double, next: Double) -> Double {
        let beta = 1 - product / next
        switch self {
        case .small: return max((1 - next) / (1 - product) * beta, 1e-20).squareRoot()
        case .large: return beta.squareRoot()
        }
    }
}
