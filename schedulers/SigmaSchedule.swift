/// Where a run's noise levels lie, by ComfyUI's names.
package enum SigmaSchedule: String, Sendable, Equatable, CaseIterable {
    /// The checkpoint's timestep spacing.
    case normal
    /// Karras et al. 2022, eq. 5, ρ = 7.
    case karras
    /// Even in ln σ.
    case exponential
    /// diffusers' "trailing" spacing.
    case sgmUniform = "sgm_uniform"
    /// Every (T / steps)-th training level.
    case simple
    /// Quantiles of Beta(0.6, 0.6).
    case beta
}

extension SigmaSchedule {
    /// A name as programs of this field write it, any case. "automatic" means the checkpoint's own: nil.
    package static func named(_ name: String) throws(SchedulerError) -> SigmaSchedule? {
        let key = name.lowercased()
        if key == "automatic" { return nil }
        if let schedule = byName[key] { return schedule }
        throw notImplemented.contains(key) ? .scheduleNotImplemented(name) : .unknownSchedule(name)
    }

    /// Other names: stable-diffusion.cpp and AUTOMATIC1111 (name, label, alias).
    package var aliases: [String] {
        switch self {
        case .normal: ["discrete", "Normal", "uniform", "Uniform"]
        case .karras: ["Karras"]
        case .exponential: ["Exponential"]
        case .sgmUniform: ["SGM Uniform", "SGMUniform"]
        case .simple: ["Simple"]
        case .beta: ["Beta"]
        }
    }

    private static let byName = Dictionary(
        allCases.flatMap { schedule in ([schedule.rawValue] + schedule.aliases).map { ($0.lowercased(), schedule) } },
        uniquingKeysWith: { first, _ in first })

    private static let notImplemented: Set<String> = [
        "ddim_uniform", "ddim", "linear_quadratic", "kl_optimal", "kl optimal", "ays", "align_your_steps",
        "align your steps", "align_your_steps_gits", "align_your_steps_11", "align_your_steps_32", "gits", "smoothstep",
        "lcm", "bong_tangent", "ltx2", "logit_normal", "flux", "flux2", "turbo", "polyexponential",
        "karras_exponential",
    ]
}
