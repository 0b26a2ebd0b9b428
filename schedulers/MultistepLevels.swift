// Timesteps and levels of the solvers in λ = ln(signal / noise) (DPM-Solver, UniPC, DEIS, SA-Solver), which differ from
// Euler's in the point they place beyond the last step, in whole timesteps and in spreading levels over the whole training
// range.
//
// Reference: `set_timesteps` of DPMSolverMultistepScheduler and its relatives.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// What tells the classes apart.
struct MultistepRules {
    /// Keys for spread levels that the class reads.
    var spreads: [NoiseSpread] = [.karras, .exponential, .beta]
    /// Whether timesteps of Karras levels are rounded even where the betas are a cosine's.
    var roundsCosine = true
    /// Whether the class knows `timestep_spacing`.
    var spaces = true
    /// Whether timesteps beyond `lambda_min_clipped` are cut off.
    var clips = false
    var terminal = TrainingNoise.Terminal.trained
    /// Whether `final_sigmas_type` counts; else the last step ends at a level with noise.
    var readsEnding = true
    /// Whether spread levels end at their own last level, not at the first training level.
    var endsAtOwn = true
    /// Whether a flow runs from 1 down to 1/T in σ; else the signal is what is spread, and the shift applied to it.
    var isUniPC = false

    static let multistep = MultistepRules(
        spreads: NoiseSpread.allCases, roundsCosine: false, clips: true, terminal: .tiny, endsAtOwn: false)
    static let singlestep = MultistepRules(spaces: false, clips: true, endsAtOwn: false)
    static let uniPC = MultistepRules(terminal: .tiny, isUniPC: true)
    static let deis = MultistepRules(readsEnding: false)
    static let stochasticAdams = MultistepRules(clips: true, readsEnding: false)
}

struct MultistepLevels {
    var timesteps: [Double]
    /// One per step and the one that the last step ends at.
    var levels: [Level]
    /// The run's steps.
    let range: Range<Int>
    let endsAtZero: Bool
    var initialNoise: Float = 1
    /// Set where the rows are those of an EDM model.
    private var preconditioned: Ladder?

    /// A row that predicts the denoised picture, or its noise; the update is left to fill in.
    func row(_ step: Int, _ objective: Objective, predictsNoise: Bool = false, limit: Step.Limit? = nil) -> Step {
        if let preconditioned {
            var row = preconditioned.row(step)
            row.limit = limit
            return row
        }
        let level = levels[step]
        let prediction = predictsNoise ? level.epsilon(objective) : level.denoised(objective)
        return Step(
            timestep: Float(timesteps[step]), skip: Float(prediction.skip), out: Float(prediction.out), limit: limit,
            update: Combination(), preview: Step.Preview(level.denoised(objective)), level: level.entry)
    }

    init(
        _ configuration: SchedulerConfiguration, run: Run, rules: MultistepRules
    ) throws(SchedulerError) {
        guard run.kind != .preconditioned, run.schedule?.owner ?? .diffusers == .diffusers else {
            let ladder = try Ladder(configuration, run, offsets: true)
            timesteps = ladder.sigmas.indices.dropLast().map { Double(ladder.row($0).timestep) }
            range = ladder.range
            switch ladder.model {
            case .trained:
                levels = ladder.sigmas.map { .preserving(sigma: $0) }
                initialNoise = Float(Double(ladder.initialNoise) * levels[0].signal)
            case .flow:
                levels = ladder.sigmas.map { .flow($0) }
                initialNoise = ladder.initialNoise
            case .preconditioned:
                levels = ladder.sigmas.map { .exploding($0) }
                initialNoise = ladder.initialNoise
                preconditioned = ladder
            }
            endsAtZero = ladder.sigmas.last == 0
            return
        }
        let noise = try TrainingNoise(configuration, sampler: run.sampler, rescaled: rules.terminal)
        let isFlow = try configuration.flag("use_flow_sigmas", default: false)
        endsAtZero = rules.readsEnding ? try configuration.endsAtZero() : false
        let spread = try NoiseSpread.configured(configuration, known: rules.spreads, sampler: run.sampler)
        var last = Double(noise.sigmas[0])

        var sigmas: [Double]
        if isFlow, let spread {
            guard rules.isUniPC, spread == .karras else {
                throw .unsupported(key: spread.rawValue, value: "true with a flow model", sampler: run.sampler)
            }
            sigmas = try Self.spread(spread, configuration, noise: noise, run: run).map { $0 / ($0 + 1) }
            timesteps = sigmas.map { $0 * Double(noise.total) }
            last = sigmas[sigmas.count - 1]
        } else if isFlow {
            sigmas = try Self.flow(configuration, noise: noise, run: run, rules: rules)
            timesteps = sigmas.map { $0 * Double(noise.total) }
            if rules.endsAtOwn { last = sigmas[sigmas.count - 1] }
        } else if let spread {
            sigmas = try Self.spread(spread, configuration, noise: noise, run: run)
            timesteps = sigmas.map(noise.timestep)
            let isCosine = try configuration.text("beta_schedule", default: "linear") == "squaredcos_cap_v2"
            if spread == .karras && (rules.roundsCosine || !isCosine) || spread == .lu && !isCosine {
                timesteps = timesteps.map { $0.rounded(.toNearestOrEven) }
            }
            if rules.endsAtOwn { last = sigmas[sigmas.count - 1] }
        } else {
            let spacing = rules.spaces ? try Spacing(configuration, default: .linspace) : .linspace
            timesteps = spacing.multistepTimesteps(
                steps: run.steps, total: noise.total,
                last: rules.clips ? try Self.kept(configuration, noise: noise) : noise.total,
                offset: try configuration.integer("steps_offset", default: 0))
            sigmas = timesteps.map(noise.sigma)
        }
        guard !timesteps.isEmpty else {
            let bound = try configuration.number("lambda_min_clipped", default: -.infinity)
            throw .unsupported(key: "lambda_min_clipped", value: "\(bound)", sampler: run.sampler)
        }
        // The solvers hand whole timesteps to the model.
        timesteps = timesteps.map { $0.rounded(.towardZero) }
        levels = (sigmas + [endsAtZero ? 0 : last]).map {
            let sigma = Double(Float($0))
            return isFlow ? .flow(sigma) : .preserving(sigma: sigma)
        }
        range = run.kept(of: timesteps.count)
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
        _ configuration: SchedulerConfiguration, noise: TrainingNoise, run: Run, rules: MultistepRules
    ) throws(SchedulerError) -> [Double] {
        let shift = run.shift ?? 1
        let lowest = 1 / Double(noise.total)
        guard rules.isUniPC else {
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
