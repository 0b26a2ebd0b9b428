// The levels of the samplers that are functions of noise levels alone (k-diffusion's and ComfyUI's), over every kind of
// model: trained with ε, v or sample, by flow matching, or preconditioned as EDM.
//
// Reference: ComfyUI's comfy/model_sampling.py, which hands a trained model whole timesteps.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// A kind of model: what it sees at a level and what its output means.
enum NoiseModel {
    case trained(TrainingNoise, Objective)
    case flow(total: Int, shift: Double)
    case preconditioned(EDM)

    init(_ configuration: SchedulerConfiguration, run: Run) throws(SchedulerError) {
        if configuration.isEDM {
            self = .preconditioned(try EDM(configuration, sampler: run.sampler))
        } else if try configuration.isFlow {
            let total = try configuration.integer("num_train_timesteps", default: 1000)
            self = .flow(total: max(1, total), shift: run.shift ?? 1)
        } else {
            self = .trained(
                try TrainingNoise(configuration, sampler: run.sampler, rescaled: .comfyUI),
                try configuration.objective())
        }
    }

    var isFlow: Bool { if case .flow = self { true } else { false } }

    var levels: TrainingLevels {
        switch self {
        case .trained(let noise, _): .trained(noise)
        case .flow(let total, let shift): .flow(total: total, shift: shift)
        case .preconditioned(let edm): .continuous(from: edm.least, to: edm.most)
        }
    }

    /// (x - denoised) / σ from the latents and what the model put out.
    func slope(_ sigma: Double) -> Level.Linear {
        switch self {
        case .trained(_, let objective): return Level.exploding(sigma).epsilon(objective)
        case .flow: return Level.Linear(skip: 0, out: 1)
        case .preconditioned(let edm):
            let denoised = edm.denoised(sigma)
            return Level.Linear(skip: (1 - denoised.skip) / sigma, out: -denoised.out / sigma)
        }
    }

    func level(_ sigma: Double) -> Level { isFlow ? .flow(sigma) : .exploding(sigma) }

    /// A row whose prediction is the denoised picture; the update is left to fill in. A trained model is told the nearest
    /// whole timestep where `whole`, else one between two.
    func row(_ sigma: Double, timestep: Double? = nil, whole: Bool = true) -> Step {
        switch self {
        case .trained(let noise, let objective):
            let nearest = whole ? Double(noise.wholeTimestep(ofSigma: sigma)) : noise.timestep(ofSigma: sigma)
            return .exploding(sigma: sigma, timestep: timestep ?? nearest, objective: objective)
        case .flow(let total, _):
            let level = Level.flow(sigma)
            let denoised = level.denoised(.flow)
            return Step(
                timestep: Float(sigma * Double(total)), skip: Float(denoised.skip), out: Float(denoised.out),
                update: Combination(), preview: Step.Preview(denoised), level: level.entry)
        case .preconditioned(let edm): return edm.row(sigma)
        }
    }
}

struct Ladder {
    let model: NoiseModel
    /// One σ per step and the one that the last step ends at, in the reference's single precision.
    let sigmas: [Double]
    /// The run's steps.
    let range: Range<Int>
    let initialNoise: Float
    /// What bounds a Brownian path over σ.
    let path: Step.Interval
    /// One per step where they do not follow from the levels.
    private let timesteps: [Double]?
    private let whole: Bool

    /// As a diffusers class places its levels, where no other owner's schedule is named and the model is one that the class
    /// is for; `start` and `end` are its default betas.
    static func diffusers(
        _ configuration: SchedulerConfiguration, _ run: Run, start: Double = 0.0001, end: Double = 0.02,
        rescaled: TrainingNoise.Terminal = .trained, place: (TrainingNoise) throws(SchedulerError) -> SigmaSteps
    ) throws(SchedulerError) -> Ladder {
        guard run.followsDiffusers else { return try Ladder(configuration, run) }
        let noise = try TrainingNoise(
            configuration, sampler: run.sampler, start: start, end: end, rescaled: rescaled)
        return Ladder(try place(noise), .trained(noise, try configuration.objective()), run)
    }

    private init(_ steps: SigmaSteps, _ model: NoiseModel, _ run: Run) {
        self.model = model
        sigmas = steps.sigmas
        timesteps = steps.timesteps
        range = run.kept(of: steps.timesteps.count)
        initialNoise = steps.initialNoise
        path = Self.path(steps.sigmas[...])
        whole = false
    }

    private static func path(_ sigmas: ArraySlice<Double>) -> Step.Interval {
        let positive = sigmas.filter { $0 > 0 }
        return Step.Interval(from: Float(positive.min() ?? 0), to: Float(positive.max() ?? 0))
    }

    /// `offsets`: a flow's first level is moved a little below 1, where ln(signal / noise) is infinite.
    init(
        _ configuration: SchedulerConfiguration, _ run: Run, offsets: Bool = false
    ) throws(SchedulerError) {
        let model = try NoiseModel(configuration, run: run)
        let table = model.levels
        var sigmas: [Double]
        if let named = try run.namedLevels(table) {
            sigmas = named
        } else if let spread = run.namedSpread {
            sigmas = spread.levels(from: table.most, to: table.least, count: run.steps) + [0]
        } else {
            switch model {
            case .trained(let noise, _):
                sigmas = try SigmaSteps(
                    configuration, noise: noise, run: run,
                    spread: try .configured(configuration, sampler: run.sampler)
                ).sigmas
            case .flow: sigmas = try FlowLevels(configuration, run).sigmas
            case .preconditioned(let edm): sigmas = edm.levels(steps: run.steps)
            }
        }
        // A model trained on one timestep has no second level to start from.
        guard sigmas.count > 1 else {
            throw .wrongType(key: "num_train_timesteps", expected: "a whole number above 1")
        }
        sigmas = sigmas.map { Double(Float($0)) }
        range = run.kept(of: sigmas.count - 1)
        // In ComfyUI a start from pure noise has the signal's power too where it starts at the highest level.
        let largest = sigmas[0]
        let isHighest = !model.isFlow && run.schedule?.owner != .a1111 && largest >= table.most * (1 - 1e-5)
        initialNoise = Float(isHighest ? (1 + largest * largest).squareRoot() : largest)
        path = Self.path(sigmas[range.lowerBound...])
        if offsets, case .flow(_, let shift) = model, sigmas[0] >= 1 {
            sigmas[0] = FlowShift.applied(shift, to: 1 - 1e-4)
        }
        self.model = model
        self.sigmas = sigmas
        timesteps = nil
        whole = run.schedule?.owner != .a1111
    }

    /// The row of a step.
    func row(_ step: Int) -> Step { model.row(sigmas[step], timestep: timesteps?[step], whole: whole) }

    /// The row of a step with the slope (x - denoised) / σ as its prediction.
    func slopeRow(_ step: Int) -> Step {
        var row = row(step)
        let slope = model.slope(sigmas[step])
        (row.skip, row.out) = (Float(slope.skip), Float(slope.out))
        return row
    }

    /// x ← the denoised picture, for rows that predict something else.
    func denoised(_ step: Int) -> Combination {
        let row = row(step)
        return Combination(latents: row.skip, output: row.out)
    }

    /// A row between two steps; `next` is the level that image-to-image and inpainting see there.
    func row(sigma: Double, next: Double? = nil) -> Step {
        var row = model.row(sigma, whole: whole)
        if let next { row.level = model.level(next).entry }
        return row
    }

    func level(_ step: Int) -> Level { model.level(sigmas[step]) }

    /// ln(signal / noise) of a step.
    func logRatio(_ step: Int) -> Double { level(step).logRatio }

    /// σ with a given ln(signal / noise).
    func sigma(logRatio: Double) -> Double {
        let ratio = exp(-logRatio)
        return model.isFlow ? ratio / (1 + ratio) : ratio
    }

    /// Whether a step ends at no noise.
    func isLast(_ step: Int) -> Bool { sigmas[step + 1] == 0 }

    /// The noise of a step as an increment of a Brownian path over σ.
    func interval(from: Double, to: Double) -> Step.Interval { Step.Interval(from: Float(from), to: Float(to)) }

    func plan(_ steps: [Step], history: Int = 0, path: Step.Interval? = nil) -> SamplingPlan {
        SamplingPlan(steps: steps, initialNoise: initialNoise, history: history, path: path)
    }
}

extension Combination {
    /// x ← the denoised picture.
    static let denoised = Combination(present: 1)
}

extension Run {
    /// Levels of a schedule that is named and that the sampler does not place itself.
    func namedLevels(_ table: TrainingLevels) throws(SchedulerError) -> [Double]? {
        guard let schedule else { return nil }
        guard discardsPenultimate(schedule) else {
            return try table.levels(schedule, steps: steps, aligned: aligned)
        }
        guard var levels = try table.levels(schedule, steps: steps + 1, aligned: aligned) else { return nil }
        if levels.count > 2 { levels.remove(at: levels.count - 2) }
        return levels
    }

    /// Whether the schedule's owner places one level more for this sampler and leaves out the last but one.
    private func discardsPenultimate(_ schedule: SigmaSchedule) -> Bool {
        // ComfyUI's Align Your Steps is a node of its own, which knows no sampler.
        guard schedule != .alignedSteps else { return false }
        return switch sampler {
        case .dpm2, .dpm2Ancestral: true
        case .uniPC: schedule.owner == .comfyUI
        default: false
        }
    }

    /// The steps that run, of `count` that a schedule has: image-to-image keeps as many as it would of `steps`.
    func kept(of count: Int) -> Range<Int> { (begin == 0 ? 0 : max(0, count - (steps - begin)))..<count }
}
