// Euler's method on the straight paths of flow matching (Lipman et al. 2022), with shifted levels (Esser et al. 2024).
// Reference: diffusers FlowMatchEulerDiscreteScheduler.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// Where the unshifted levels of a flow lie.
package enum FlowRange: Sendable, Equatable {
    /// From 1 to 1/steps, what FLUX's and DreamLite's pipelines pass.
    case uniform
    /// From the training table's largest to its smallest level, already shifted once, as SD 3's pipeline leaves it.
    case trained
}

extension SamplingPlan {
    static func flowMatchEuler(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError)
        -> SamplingPlan
    {
        let levels = try FlowLevels(configuration, run)
        let isStochastic = try configuration.flag("stochastic_sampling", default: false)
        let steps = run.kept(of: levels.sigmas.count - 1).map { i in
            let (sigma, next) = (levels.sigmas[i], levels.sigmas[i + 1])
            var step = levels.row(i)
            step.update = Combination(latents: 1, output: Float(next - sigma))
            if isStochastic {
                step.update = Combination(present: Float(1 - next), noise: Float(next))
                step.draws = 1
            }
            return step
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: 0)
    }
}

/// A flow's shifted levels, in the reference's single precision.
struct FlowLevels {
    /// One per step and the one that the last step ends at.
    let sigmas: [Double]
    /// Noise alone where a pipeline of diffusers starts, as much as the first level has elsewhere.
    let initialNoise: Float
    private let total: Double

    init(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) {
        let total = try configuration.integer("num_train_timesteps", default: 1000)
        self.total = Double(total)
        let dynamic = try configuration.flag("use_dynamic_shifting", default: false)
        let shift = run.shift ?? 1
        if let named = try run.namedLevels(.flow(total: total, shift: shift)) {
            guard named.count > 1 else {
                throw .wrongType(key: "num_train_timesteps", expected: "a whole number above 1")
            }
            sigmas = named.map { Double(Float($0)) }
            initialNoise = Float(named[0])
            return
        }
        initialNoise = 1
        var levels = Self.unshifted(run: run, total: Double(total), shift: dynamic ? 1 : shift)
            .map { FlowShift.applied(shift, to: $0) }
        if let terminal = try configuration.number("shift_terminal"), terminal != 0 {
            levels = FlowShift.stretched(levels, to: terminal)
        }
        if let spread = try NoiseSpread.configured(configuration, sampler: run.sampler) {
            levels = spread.levels(
                from: try configuration.number("sigma_max") ?? levels[0],
                to: try configuration.number("sigma_min") ?? levels[levels.count - 1], count: run.steps)
        }
        let isInverted = try configuration.flag("invert_sigmas", default: false)
        if isInverted { levels = levels.map { 1 - $0 } }
        sigmas = (levels + [isInverted ? 1 : 0]).map { Double(Float($0)) }
    }

    /// A row whose prediction is the denoised picture; the update is left to fill in.
    func row(_ step: Int) -> Step {
        let level = Level.flow(sigmas[step])
        let denoised = level.denoised(.flow)
        return Step(
            timestep: Float(sigmas[step]) * Float(total), skip: Float(denoised.skip), out: Float(denoised.out),
            update: Combination(), preview: Step.Preview(denoised), level: level.entry)
    }

    /// Levels before the shift; `shift` is the training table's own.
    private static func unshifted(run: Run, total: Double, shift: Double) -> [Double] {
        switch run.range {
        case _ where run.schedule == .trailing:
            return (0..<run.steps).map { 1 - Double($0) / Double(run.steps) }
        case .uniform:
            return Spacing.line(from: 1, to: 1 / Double(run.steps), count: run.steps).map { Double(Float($0)) }
        case .trained:
            let lowest = Double(Float(FlowShift.applied(shift, to: 1 / total)))
            return Spacing.line(from: total, to: lowest * total, count: run.steps).map { $0 / total }
        }
    }
}

/// Moves flow levels towards noise, as larger pictures need.
package enum FlowShift {
    /// s·σ / (1 + (s - 1)·σ); with s = e^µ it is the exponential time shift.
    static func applied(_ shift: Double, to sigma: Double) -> Double {
        shift * sigma / (1 + (shift - 1) * sigma)
    }

    /// Stretches levels so that the last is `terminal`.
    static func stretched(_ sigmas: [Double], to terminal: Double) -> [Double] {
        guard let last = sigmas.last else { return [] }
        let factor = (1 - last) / (1 - terminal)
        return sigmas.map { 1 - (1 - $0) / factor }
    }

    /// The shift for a picture of `tokens` image tokens: µ is linear between two sizes (FLUX, SD 3.5, DreamLite), and the
    /// shift is e^µ, or µ itself where `time_shift_type` is linear.
    package static func shift(tokens: Int, configuration: SchedulerConfiguration) throws(SchedulerError) -> Double {
        let fewest = try configuration.number("base_image_seq_len", default: 256)
        let most = try configuration.number("max_image_seq_len", default: 4096)
        let low = try configuration.number("base_shift", default: 0.5)
        let high = try configuration.number("max_shift", default: 1.15)
        let slope = (high - low) / (most - fewest)
        let mu = Double(tokens) * slope + low - slope * fewest
        return try configuration.text("time_shift_type", default: "exponential") == "linear" ? mu : exp(mu)
    }
}
