// From a request and a checkpoint's configuration to a table.

/// What a user may ask of sampling.
package struct SamplingRequest: Sendable, Equatable {
    /// Nil: the checkpoint's own.
    package var sampler: Sampler?
    /// Nil: the checkpoint's own.
    package var schedule: SigmaSchedule?
    package var steps: Int
    /// Image-to-image: the part of the schedule that runs, 0 to 1. Nil: text-to-image.
    package var strength: Double?
    /// DDIM's η.
    package var eta: Double
    /// Flow: overrules the checkpoint's shift.
    package var shift: Double?
    /// Flow: the picture's size in tokens of the model (latent height × width / 4), for shifts that depend on it.
    package var imageTokens: Int?
    package var range: FlowRange
    /// Whether the configuration is corrected as the Stable Diffusion 1.x and 2.x pipelines do (SDXL's does not).
    package var corrects: Bool
    /// Whose optimised levels Align Your Steps takes. Nil: there are none for the model.
    package var aligned: AlignedModel?
    /// Values that take the place of the checkpoint's, as of diffusers' `from_config(scheduler.config, …)`.
    package var overrides: [String: SchedulerConfiguration.Value] = [:]

    package init(
        sampler: Sampler? = nil, schedule: SigmaSchedule? = nil, steps: Int, strength: Double? = nil, eta: Double = 0,
        shift: Double? = nil, imageTokens: Int? = nil, range: FlowRange = .uniform, corrects: Bool = false,
        aligned: AlignedModel? = nil
    ) {
        self.sampler = sampler
        self.schedule = schedule
        self.steps = steps
        self.strength = strength
        self.eta = eta
        self.shift = shift
        self.imageTokens = imageTokens
        self.range = range
        self.corrects = corrects
        self.aligned = aligned
    }
}

extension SamplingPlan {
    /// The table for a request. A named sampler or schedule acts on the configuration as diffusers'
    /// `Other.from_config(scheduler.config, …)`.
    package init(_ request: SamplingRequest, configuration given: SchedulerConfiguration) throws(SchedulerError) {
        let replaced = request.sampler != nil || request.schedule != nil || !request.overrides.isEmpty
        var configuration = request.corrects ? given.correctedForStableDiffusion(replaced: replaced) : given
        configuration.values.merge(request.overrides) { $1 }
        let sampler = if let named = request.sampler { named } else { try Sampler(configuration) }
        let isFlow = try configuration.isFlow
        let objective: Objective = isFlow ? .flow : try configuration.objective()
        let kind: Run.Kind = configuration.isEDM ? .preconditioned : isFlow ? .flow : .trained
        guard sampler.runs(objective) else { throw .objectiveUnsupported(objective, sampler: sampler) }
        guard kind != .preconditioned || sampler.runsPreconditioned else {
            throw .preconditioningUnsupported(sampler: sampler)
        }
        if let schedule = request.schedule, !sampler.has(schedule, kind) {
            throw .scheduleUnsupported(schedule, sampler: sampler)
        }
        let total = max(1, try configuration.integer("num_train_timesteps", default: 1000))
        guard (1...total).contains(request.steps) else {
            throw .stepsOutOfRange(request.steps, allowed: 1...total, sampler: sampler)
        }
        guard (0...1).contains(request.eta) else {
            throw .parameterOutOfRange(name: "eta", value: request.eta, allowed: "from 0 to 1")
        }
        if let shift = request.shift, !(shift > 0 && shift.isFinite) {
            throw .parameterOutOfRange(name: "shift", value: shift, allowed: "above 0")
        }
        // FlowMatchHeunDiscreteScheduler takes no levels from a pipeline.
        let range = sampler == .heun ? .trained : request.range
        let run = Run(
            sampler: sampler, steps: request.steps,
            begin: try Self.begin(strength: request.strength, steps: request.steps, isFlow: isFlow),
            schedule: request.schedule, eta: request.eta,
            shift: isFlow ? try Self.shift(request, configuration: configuration) : nil, range: range,
            aligned: request.aligned, kind: kind)
        self = try sampler.plan(configuration.adjusted(for: request, isFlow: isFlow), run)
        if let row = initialNoise.isFinite ? steps.firstIndex(where: { !$0.isFinite }) : 0 {
            throw .notFinite(row: row, sampler: sampler)
        }
        if request.shift != nil && !isFlow { ignored.append("shift") }
        if request.eta != 0 && !sampler.readsEta { ignored.append("eta") }
    }

    /// Steps that image-to-image leaves out: `get_timesteps` of the Stable Diffusion pipelines; those of flow models round
    /// the other way.
    package static func begin(strength: Double?, steps: Int, isFlow: Bool) throws(SchedulerError) -> Int {
        guard let strength else { return 0 }
        guard strength > 0, strength <= 1 else { throw .strengthOutOfRange(strength) }
        let kept = min(Double(steps) * strength, Double(steps))
        let begin = isFlow ? Int(max(Double(steps) - kept, 0)) : max(steps - Int(kept), 0)
        // Where the reference would have no step left, one runs.
        return min(begin, steps - 1)
    }

    private static func shift(
        _ request: SamplingRequest, configuration: SchedulerConfiguration
    ) throws(SchedulerError) -> Double? {
        if let shift = request.shift { return shift }
        guard try configuration.flag("use_dynamic_shifting", default: false) else {
            // A multistep solver's configuration calls it flow_shift, the flow scheduler's shift.
            if let shift = try configuration.number("shift") { return shift }
            return try configuration.number("flow_shift")
        }
        guard let tokens = request.imageTokens else { throw .imageSizeNeeded }
        return try FlowShift.shift(tokens: tokens, configuration: configuration)
    }
}

extension SchedulerConfiguration {
    /// Whether the model was trained by flow matching.
    package var isFlow: Bool {
        get throws(SchedulerError) {
            if let className, className.hasPrefix("FlowMatch") { return true }
            if try flag("use_flow_sigmas", default: false) { return true }
            return try objective() == .flow
        }
    }

    /// What the request changes in the configuration.
    fileprivate func adjusted(for request: SamplingRequest, isFlow: Bool) -> SchedulerConfiguration {
        var adjusted = self
        if let schedule = request.schedule {
            for spread in NoiseSpread.allCases { adjusted.values[spread.rawValue] = .flag(false) }
            switch schedule {
            case .karras: adjusted.values[NoiseSpread.karras.rawValue] = .flag(true)
            case .exponential: adjusted.values[NoiseSpread.exponential.rawValue] = .flag(true)
            case .betaSigmas: adjusted.values[NoiseSpread.beta.rawValue] = .flag(true)
            case .luLambdas: adjusted.values[NoiseSpread.lu.rawValue] = .flag(true)
            case .linspace, .leading, .trailing: adjusted.values["timestep_spacing"] = .text(schedule.rawValue)
            default: break
            }
        }
        // The name says which form it is; solver type, and the order where the name does not say it, stay the
        // configuration's.
        switch request.sampler {
        case .dpmSolver2M, .dpmSolver3M, .dpmSolver2S, .dpmSolver3S:
            adjusted.values["algorithm_type"] = .text("dpmsolver++")
        case .dpmSolver2MSDE: adjusted.values["algorithm_type"] = .text("sde-dpmsolver++")
        case .saSolverDiffusers: adjusted.values["algorithm_type"] = .text("data_prediction")
        default: break
        }
        if request.sampler == .dpmSolver3M || request.sampler == .dpmSolver3S {
            adjusted.values["solver_order"] = .number(3)
        }
        if isFlow {
            adjusted.values["use_flow_sigmas"] = .flag(true)
            adjusted.values["prediction_type"] = .text(Objective.flow.rawValue)
        }
        return adjusted
    }
}

extension Step {
    /// Whether every number of the row is one.
    fileprivate var isFinite: Bool {
        let weights = [update, correction].compactMap { $0 }.flatMap {
            [$0.latents, $0.saved, $0.output, $0.present, $0.unguided, $0.noise] + $0.past
        }
        return ([timestep, input, skip, out] + weights).allSatisfy(\.isFinite)
    }
}
