// Timesteps and levels of the multistep solvers (DPM-Solver++, UniPC), which differ from Euler's in the point they place
// beyond the last step, in whole timesteps and in spreading levels over the whole training range.
//
// Reference: `set_timesteps` of DPMSolverMultistepScheduler and UniPCMultistepScheduler.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

struct MultistepLevels {
    var timesteps: [Double]
    /// One per step and the one that the last step ends at.
    var levels: [Level]

    init(_ configuration: SchedulerConfiguration, run: Run) throws(SchedulerError) {
        let noise = try TrainingNoise(configuration, sampler: run.sampler, rescaled: .tiny)
        let isUniPC = run.sampler == .uniPC
        let isFlow = try configuration.flag("use_flow_sigmas", default: false)
        let endsAtZero = try configuration.endsAtZero()
        let spread = try NoiseSpread.configured(
            configuration, known: isUniPC ? [.karras, .exponential, .beta] : NoiseSpread.allCases, sampler: run.sampler)
        var last = Double(noise.sigmas[0])

        var sigmas: [Double]
        if isFlow, let spread {
            guard isUniPC, spread == .karras else {
                throw .unsupported(key: spread.rawValue, value: "true with a flow model", sampler: run.sampler)
            }
            sigmas = try Self.spread(spread, configuration, noise: noise, run: run).map { $0 / ($0 + 1) }
            timesteps = sigmas.map { $0 * Double(noise.total) }
            last = sigmas[sigmas.count - 1]
        } else if isFlow {
            sigmas = try Self.flow(configuration, noise: noise, run: run)
            timesteps = sigmas.map { $0 * Double(noise.total) }
            if isUniPC { last = sigmas[sigmas.count - 1] }
        } else if let spread {
            sigmas = try Self.spread(spread, configuration, noise: noise, run: run)
            timesteps = sigmas.map(noise.timestep)
            let isCosine = try configuration.text("beta_schedule", default: "linear") == "squaredcos_cap_v2"
            if spread == .karras && (isUniPC || !isCosine) || spread == .lu && !isCosine {
                timesteps = timesteps.map { $0.rounded(.toNearestOrEven) }
            }
            if isUniPC { last = sigmas[sigmas.count - 1] }
        } else {
            timesteps = try Spacing(configuration, default: .linspace).multistepTimesteps(
                steps: run.steps, total: noise.total,
                last: isUniPC ? noise.total : try Self.kept(configuration, noise: noise),
                offset: try configuration.integer("steps_offset", default: 0))
            sigmas = timesteps.map(noise.sigma)
        }
        // The solvers hand whole timesteps to the model.
        timesteps = timesteps.map { $0.rounded(.towardZero) }
        levels = (sigmas + [endsAtZero ? 0 : last]).map {
            let sigma = Double(Float($0))
            return isFlow ? .flow(sigma) : .preserving(sigma: sigma)
        }
    }

    /// Levels over the whole training range, or the configured one.
    private static func spread(
        _ spread: NoiseSpread, _ configuration: SchedulerConfiguration, noise: TrainingNoise, run: Run
    ) throws(SchedulerError) -> [Double] {
        let (low, high) = (try configuration.number("sigma_min"), try configuration.number("sigma_max"))
        let bounded = spread != .lu
        return spread.levels(
            from: (bounded ? high : nil) ?? Double(noise.sigmas[noise.count - 1]),
            to: (bounded ? low : nil) ?? Double(noise.sigmas[0]), count: run.steps)
    }

    /// Timesteps left when those with ln(signal / noise) below `lambda_min_clipped` are cut off.
    private static func kept(_ configuration: SchedulerConfiguration, noise: TrainingNoise) throws(SchedulerError)
        -> Int
    {
        guard let bound = try configuration.number("lambda_min_clipped"), bound.isFinite else { return noise.total }
        return noise.total - noise.sigmas.reversed().prefix { -log(Double($0)) < bound }.count
    }

    /// Shifted flow levels.
    private static func flow(
        _ configuration: SchedulerConfiguration, noise: TrainingNoise, run: Run
    ) throws(SchedulerError) -> [Double] {
        let shift = run.shift ?? 1
        let lowest = 1 / Double(noise.total)
        guard run.sampler == .uniPC else {
            return Spacing.line(from: 1, to: lowest, count: run.steps + 1)
                .map { FlowShift.applied(shift, to: 1 - $0) }.reversed().dropLast()
        }
        var sigmas = Spacing.line(from: 1, to: lowest, count: run.steps + 1).dropLast()
            .map { FlowShift.applied(shift, to: $0) }
        if let terminal = try configuration.number("shift_terminal"), terminal != 0 {
            sigmas = FlowShift.stretched(sigmas, to: terminal)
        }
        // ln(1 - σ) must stay finite.
        if abs(sigmas[0] - 1) < 1e-6 { sigmas[0] -= 1e-6 }
        return sigmas
    }
}
