// Models preconditioned as in Karras et al. 2022 (EDM), table 1, such as Playground 2.5.
// Reference: diffusers EDMEulerScheduler and EDMDPMSolverMultistepScheduler.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

/// An EDM checkpoint's levels and preconditioning.
struct EDM {
    let least, most, data: Double
    private let rho: Double
    private let spread: NoiseSpread
    private let sign: Double
    private let endsAtZero: Bool

    init(_ configuration: SchedulerConfiguration, sampler: Sampler) throws(SchedulerError) {
        least = try configuration.number("sigma_min", default: 0.002)
        most = try configuration.number("sigma_max", default: 80)
        data = try configuration.number("sigma_data", default: 0.5)
        rho = try configuration.number("rho", default: 7)
        guard least > 0, most >= least, data > 0, rho > 0 else {
            throw .wrongType(
                key: "sigma_min", expected: "above 0 and at most sigma_max, with sigma_data and rho above 0")
        }
        switch try configuration.text("sigma_schedule", default: "karras") {
        case "karras": spread = .karras
        case "exponential": spread = .exponential
        case let other: throw .unsupported(key: "sigma_schedule", value: other, sampler: sampler)
        }
        switch try configuration.objective() {
        case .epsilon: sign = 1
        case .velocity: sign = -1
        case let other: throw .objectiveUnsupported(other, sampler: sampler)
        }
        endsAtZero = try configuration.endsAtZero()
    }

    /// The checkpoint's own levels and the one that the last step ends at.
    func levels(steps: Int) -> [Double] {
        let levels = spread.levels(from: most, to: least, count: steps, rho: rho)
        return levels + [endsAtZero ? 0 : levels[levels.count - 1]]
    }

    func denoised(_ sigma: Double) -> Level.Linear {
        let power = sigma * sigma + data * data
        return Level.Linear(skip: data * data / power, out: sign * sigma * data / power.squareRoot())
    }

    /// A row whose prediction is the denoised picture.
    func row(_ sigma: Double) -> Step {
        let denoised = denoised(sigma)
        return Step(
            timestep: Float(0.25 * log(sigma)), input: Float(1 / (sigma * sigma + data * data).squareRoot()),
            skip: Float(denoised.skip),
            out: Float(denoised.out), update: Combination(), preview: Step.Preview(denoised),
            level: Level.exploding(sigma).entry)
    }
}

extension SchedulerConfiguration {
    /// Whether the checkpoint was trained with EDM's preconditioning.
    package var isEDM: Bool { className?.hasPrefix("EDM") ?? false }
}
