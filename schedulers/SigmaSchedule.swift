/// Where a run's noise levels lie. A name means what its owner means by it.
package enum SigmaSchedule: String, Sendable, Equatable, CaseIterable {
    // diffusers: settings of the checkpoint's scheduler.
    /// `timestep_spacing`: evenly from the last training timestep to the first.
    case linspace
    /// `timestep_spacing`: every (T / steps)-th timestep, counted up from the first.
    case leading
    /// `timestep_spacing`: every (T / steps)-th timestep, counted down from the last; what distilled models want.
    case trailing
    /// Karras et al. 2022, eq. 5, ρ = 7.
    case karras
    /// Even in ln σ.
    case exponential
    /// Quantiles of Beta(0.6, 0.6) between the largest and the smallest σ.
    case betaSigmas = "use_beta_sigmas"
    /// Even in ln(signal / noise), of the multistep DPM-Solver.
    case luLambdas = "use_lu_lambdas"

    // ComfyUI: levels of its own, evaluated at whole timesteps.
    /// Evenly from the last training timestep to the first.
    case normal
    /// `normal` with one more timestep, the first, left out.
    case sgmUniform = "sgm_uniform"
    /// Every (T / steps)-th training level, counted down from the last.
    case simple
    /// Every (T / steps)-th training level, counted up from the second; steps may be more than asked for.
    case ddimUniform = "ddim_uniform"
    /// Training levels at quantiles of Beta(0.6, 0.6); equal ones count once.
    case beta
    /// Linear in σ for the first half, then quadratic.
    case linearQuadratic = "linear_quadratic"
    /// Evenly in arctan σ.
    case klOptimal = "kl_optimal"
    /// Align Your Steps (Sabour et al. 2024): levels optimised for Stable Diffusion 1 and XL, between them log-linear.
    case alignedSteps = "ays"

    // AUTOMATIC1111, where ComfyUI has something else under the same name.
    /// Evenly in arctan σ, down to the smallest training level and not to 0.
    case klOptimalA1111 = "kl_optimal_a1111"
    /// Align Your Steps with rounded levels and 0 as one more.
    case alignedStepsA1111 = "align_your_steps"

    /// Whose definition it is.
    package enum Owner: String, Sendable, Equatable {
        case diffusers, comfyUI = "ComfyUI", a1111 = "AUTOMATIC1111"
    }

    package var owner: Owner {
        switch self {
        case .linspace, .leading, .trailing, .karras, .exponential, .betaSigmas, .luLambdas: .diffusers
        case .normal, .sgmUniform, .simple, .ddimUniform, .beta, .linearQuadratic, .klOptimal, .alignedSteps: .comfyUI
        case .klOptimalA1111, .alignedStepsA1111: .a1111
        }
    }

    /// The reference's own name for it.
    package var reference: String {
        switch self {
        case .linspace, .leading, .trailing: "diffusers `timestep_spacing`: \"\(rawValue)\""
        case .karras: "diffusers `use_karras_sigmas`"
        case .exponential: "diffusers `use_exponential_sigmas`"
        case .betaSigmas, .luLambdas: "diffusers `\(rawValue)`"
        case .alignedSteps: "ComfyUI `AlignYourStepsScheduler`"
        case .klOptimalA1111: "AUTOMATIC1111 `kl_optimal`"
        case .alignedStepsA1111: "AUTOMATIC1111 `get_align_your_steps_sigmas`"
        default: "ComfyUI `\(rawValue)`"
        }
    }
}

/// Which optimised levels Align Your Steps has for a model.
package enum AlignedModel: String, Sendable, Equatable, CaseIterable {
    case sd1, sdxl
}

extension SigmaSchedule {
    /// A name as programs of this field write it. A label in exactly AUTOMATIC1111's spelling means AUTOMATIC1111's;
    /// otherwise case, spaces, hyphens and underscores do not matter. "automatic" means the checkpoint's own: nil.
    package static func named(_ name: String) throws(SchedulerError) -> SigmaSchedule? {
        if let schedule = byLabel[name] { return schedule }
        let key = NameKey(name)
        if key == NameKey("automatic") { return nil }
        if let schedule = byKey[key] { return schedule }
        throw notBuilt.contains(where: { NameKey($0) == key }) ? .scheduleNotBuilt(name) : .unknownSchedule(name)
    }

    /// Other names: stable-diffusion.cpp, AUTOMATIC1111 (name, label, alias) and diffusers.
    package var aliases: [String] {
        switch self {
        case .linspace, .leading, .luLambdas: []
        case .trailing: ["turbo", "Turbo"]
        case .karras: ["Karras", "use_karras_sigmas"]
        case .exponential: ["Exponential", "polyexponential", "Polyexponential", "use_exponential_sigmas"]
        case .betaSigmas: ["Beta"]
        case .normal: ["discrete", "Normal", "uniform", "Uniform"]
        case .sgmUniform: ["SGM Uniform", "SGMUniform"]
        case .simple: ["Simple"]
        case .ddimUniform: ["ddim", "DDIM"]
        case .beta, .linearQuadratic, .klOptimal: []
        case .alignedSteps: ["AlignYourStepsScheduler"]
        case .klOptimalA1111: ["KL Optimal"]
        case .alignedStepsA1111: ["Align Your Steps"]
        }
    }

    /// AUTOMATIC1111's label, where it has the schedule.
    package var label: String? {
        switch self {
        case .karras: "Karras"
        case .exponential: "Exponential"
        case .betaSigmas: "Beta"
        case .normal: "Normal"
        case .sgmUniform: "SGM Uniform"
        case .simple: "Simple"
        case .ddimUniform: "DDIM"
        case .trailing: "Turbo"
        case .klOptimalA1111: "KL Optimal"
        case .alignedStepsA1111: "Align Your Steps"
        default: nil
        }
    }

    /// Labels that mean AUTOMATIC1111's schedule only in its own spelling.
    private static let byLabel: [String: SigmaSchedule] = [
        "Beta": .betaSigmas, "KL Optimal": .klOptimalA1111, "Align Your Steps": .alignedStepsA1111,
    ]

    /// The schedule whose AUTOMATIC1111 label ends a sampler's name, where the label is needed to tell.
    static func labelled(_ name: String) -> SigmaSchedule? {
        byLabel.first { name.hasSuffix(" \($0.key)") }?.value
    }

    /// Canonical names go before aliases.
    static let byKey = Dictionary(
        allCases.map { (NameKey($0.rawValue), $0) }
            + allCases.flatMap { schedule in schedule.aliases.map { (NameKey($0), schedule) } },
        uniquingKeysWith: { first, _ in first })

    /// Names of this field that mean a schedule which is not here.
    package static let notBuilt = [
        "gits", "align_your_steps_GITS", "align_your_steps_11", "align_your_steps_32", "smoothstep", "lcm",
        "bong_tangent",
        "ltx2", "logit_normal", "flux", "flux2", "karras_exponential",
    ]
}

/// A name without what programs spell differently: case, spaces, hyphens, underscores; "++" is "pp".
struct NameKey: Hashable {
    let text: String

    init(_ name: String) {
        text = name.lowercased().replacing("++", with: "pp").filter { !" -_".contains($0) }
    }

    /// What is left of the name before a suffix that is also a name.
    func dropping(_ suffix: NameKey) -> NameKey? {
        guard text.count > suffix.text.count, text.hasSuffix(suffix.text) else { return nil }
        return NameKey(String(text.dropLast(suffix.text.count)))
    }
}
