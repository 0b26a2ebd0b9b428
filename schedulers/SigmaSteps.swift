// Timesteps and noise levels of the samplers in the variance-exploding form: Euler, Heun, DPM2, LMS, DPM++ SDE.
//
// Reference: `set_timesteps` of EulerDiscreteScheduler and its relatives.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// What a sampler needs to know of the request, resolved.
struct Run {
    let sampler: Sampler
    let steps: Int
    /// Steps that image-to-image leaves out at the start.
    let begin: Int
    /// The schedule that the user named, for classes that have no key for it.
    let schedule: SigmaSchedule?
    /// DDIM's η.
    let eta: Double
    /// Flow: the shift, where the picture's size or the user decides.
    let shift: Double?
    let range: FlowRange
    /// Whose optimised levels Align Your Steps takes.
    var aligned: AlignedModel?
    /// What the model was trained for.
    var kind = Kind.trained

    enum Kind { case trained, flow, preconditioned }

    /// Whether the levels are a diffusers class's own, for a model of the kind that most classes know.
    var followsDiffusers: Bool { kind == .trained && (schedule?.owner ?? .diffusers) == .diffusers }

    /// The spread that the user named.
    var namedSpread: NoiseSpread? {
        switch schedule {
        case .karras: .karras
        case .exponential: .exponential
        case .betaSigmas: .beta
        default: nil
        }
    }
}

struct SigmaSteps {
    /// One per step, fractional where the levels were spread.
    var timesteps: [Double]
    /// σ per step in full precision, without the last.
    var exact: [Double]
    /// σ per step and the one that the last step ends at, in the reference's single precision.
    var sigmas: [Double]
    private let padded: Bool

    /// `spread` overrules the spacing; `bounded` says whether `sigma_min` and `sigma_max` of the configuration count
    /// for Karras levels; `last` is where the run ends.
    init(
        _ configuration: SchedulerConfiguration, noise: TrainingNoise, run: Run, spread: NoiseSpread?,
        bounded: Bool = true, last: Double = 0, logLinear: Bool = false
    ) throws(SchedulerError) {
        let spacing = try Spacing(configuration, default: .linspace)
        timesteps = spacing.timesteps(
            steps: run.steps, total: noise.total, offset: try configuration.integer("steps_offset", default: 0))
        exact = timesteps.map(noise.sigma)
        if logLinear {
            let (high, low) = (Double(noise.sigmas[noise.count - 1]), Double(noise.sigmas[0]))
            exact = NoiseSpread.exponential.levels(from: high, to: low, count: run.steps + 1)
        }
        if let spread {
            let bounds = bounded || spread != .karras
            let low = bounds ? try configuration.number("sigma_min") : nil
            let high = bounds ? try configuration.number("sigma_max") : nil
            exact = spread.levels(from: high ?? exact[0], to: low ?? exact[exact.count - 1], count: run.steps)
            timesteps = exact.map(noise.timestep)
        }
        sigmas = (exact + [last]).map { Double(Float($0)) }
        padded = spacing == .leading
    }

    /// `init_noise_sigma`: leading spacing starts below the last training level, so the signal's power is added.
    var initialNoise: Float {
        let largest = sigmas.max() ?? 0
        return Float(padded ? (largest * largest + 1).squareRoot() : largest)
    }
}

extension Step {
    /// A row in the variance-exploding form whose prediction is the denoised picture; the update is left to fill in.
    static func exploding(sigma: Double, timestep: Double, objective: Objective) -> Step {
        let level = Level.exploding(sigma)
        let denoised = level.denoised(objective)
        return Step(
            timestep: Float(timestep), input: Float(1 / (sigma * sigma + 1).squareRoot()), skip: Float(denoised.skip),
            out: Float(denoised.out), update: Combination(), preview: Preview(denoised), level: level.entry)
    }
}
