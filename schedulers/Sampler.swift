/// The samplers, by their canonical names: ComfyUI's, and for what ComfyUI lacks or does otherwise, a name of its own.
package enum Sampler: String, Sendable, Equatable, CaseIterable {
    case euler
    case eulerAncestral = "euler_ancestral"
    case heun
    case heunPlusPlus = "heunpp2"
    case dpm2 = "dpm_2"
    case dpm2Ancestral = "dpm_2_ancestral"
    case lms
    case dpmFast = "dpm_fast"
    case ddim
    case ddpm
    case pndm
    case dpmSolver2S = "dpmpp_2s"
    case dpmSolver3S = "dpmpp_3s"
    case dpmSolver2SAncestral = "dpmpp_2s_ancestral"
    case dpmSolverSDE = "dpmpp_sde"
    case dpmSolver2M = "dpmpp_2m"
    case dpmSolver3M = "dpmpp_3m"
    case dpmSolver2MSDE = "dpmpp_2m_sde"
    case dpmSolver2MSDEHeun = "dpmpp_2m_sde_heun"
    case dpmSolver3MSDE = "dpmpp_3m_sde"
    case uniPC = "uni_pc"
    case deis
    case deisDiffusers = "deis_diffusers"
    case ipndm
    case ipndmVariable = "ipndm_v"
    case ipndmDiffusers = "ipndm_diffusers"
    case resMultistep = "res_multistep"
    case resMultistepAncestral = "res_multistep_ancestral"
    case gradientEstimation = "gradient_estimation"
    case erSDE = "er_sde"
    case seeds2 = "seeds_2"
    case seeds3 = "seeds_3"
    case saSolver = "sa_solver"
    case saSolverPECE = "sa_solver_pece"
    case saSolverDiffusers = "sa_solver_diffusers"
    case lcm
    case tcd
    case eulerPlusPlus = "euler_cfg_pp"
    case eulerAncestralPlusPlus = "euler_ancestral_cfg_pp"
    case dpmSolver2SAncestralPlusPlus = "dpmpp_2s_ancestral_cfg_pp"
    case dpmSolver2MPlusPlus = "dpmpp_2m_cfg_pp"
    case resMultistepPlusPlus = "res_multistep_cfg_pp"
    case resMultistepAncestralPlusPlus = "res_multistep_ancestral_cfg_pp"
    case gradientEstimationPlusPlus = "gradient_estimation_cfg_pp"
}

extension Sampler {
    /// The table of a run.
    func plan(_ settings: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        switch self {
        case .euler: run.kind == .flow ? try .flowMatchEuler(settings, run) : try .euler(settings, run)
        case .eulerAncestral: try .eulerAncestral(settings, run)
        case .heun: try .heun(settings, run)
        case .heunPlusPlus: try .heunPlusPlus(settings, run)
        case .dpm2: try .dpm2(settings, run, isAncestral: false)
        case .dpm2Ancestral: try .dpm2(settings, run, isAncestral: true)
        case .lms: try .lms(settings, run)
        case .dpmFast: try .dpmFast(settings, run)
        case .ddim: try .ddim(settings, run)
        case .ddpm: try .ddpm(settings, run)
        case .pndm: try .pndm(settings, run)
        case .dpmSolver2S, .dpmSolver3S: try .dpmSolverSinglestep(settings, run)
        case .dpmSolver2SAncestral: try .dpmSolver2SAncestral(settings, run)
        case .dpmSolverSDE:
            run.followsDiffusers ? try .dpmSolverSDE(settings, run) : try .dpmSolverSDELevels(settings, run)
        case .dpmSolver2M, .dpmSolver3M, .dpmSolver2MSDE: try .dpmSolverMultistep(settings, run)
        case .dpmSolver2MSDEHeun: try .dpmSolverMultistepSDE(settings, run, order: 2)
        case .dpmSolver3MSDE: try .dpmSolverMultistepSDE(settings, run, order: 3)
        case .uniPC: try .uniPC(settings, run)
        case .deis: try .deis(settings, run)
        case .deisDiffusers: try .deisDiffusers(settings, run)
        case .ipndm: try .ipndm(settings, run, isVariable: false)
        case .ipndmVariable: try .ipndm(settings, run, isVariable: true)
        case .ipndmDiffusers: try .ipndmDiffusers(settings, run)
        case .resMultistep: try .resMultistep(settings, run, isAncestral: false, isPlusPlus: false)
        case .resMultistepAncestral: try .resMultistep(settings, run, isAncestral: true, isPlusPlus: false)
        case .gradientEstimation: try .gradientEstimation(settings, run, isPlusPlus: false)
        case .erSDE: try .erSDE(settings, run)
        case .seeds2: try .seeds(settings, run, stages: 2)
        case .seeds3: try .seeds(settings, run, stages: 3)
        case .saSolver: try .saSolver(settings, run, evaluatesTwice: false)
        case .saSolverPECE: try .saSolver(settings, run, evaluatesTwice: true)
        case .saSolverDiffusers: try .saSolverDiffusers(settings, run)
        case .lcm: try .lcm(settings, run)
        case .tcd: try .tcd(settings, run)
        case .eulerPlusPlus: try .eulerPlusPlus(settings, run, isAncestral: false)
        case .eulerAncestralPlusPlus: try .eulerPlusPlus(settings, run, isAncestral: true)
        case .dpmSolver2SAncestralPlusPlus: try .dpmSolver2SAncestralPlusPlus(settings, run)
        case .dpmSolver2MPlusPlus: try .dpmSolver2MPlusPlus(settings, run)
        case .resMultistepPlusPlus: try .resMultistep(settings, run, isAncestral: false, isPlusPlus: true)
        case .resMultistepAncestralPlusPlus: try .resMultistep(settings, run, isAncestral: true, isPlusPlus: true)
        case .gradientEstimationPlusPlus: try .gradientEstimation(settings, run, isPlusPlus: true)
        }
    }

    /// Whether a model with this objective can be sampled.
    package func runs(_ objective: Objective) -> Bool {
        switch self {
        case .pndm, .ipndmDiffusers: objective == .epsilon || objective == .velocity
        case .ddim, .ddpm, .tcd: objective != .flow
        default: true
        }
    }

    /// Whether a model with EDM's preconditioning can be sampled.
    var runsPreconditioned: Bool {
        switch self {
        case .ddim, .ddpm, .pndm, .dpmSolver2S, .dpmSolver3S, .uniPC, .deisDiffusers, .ipndmDiffusers,
            .saSolverDiffusers, .lcm, .tcd:
            false
        default: true
        }
    }

    /// Whether the sampler can place its levels so. `kind` is what the model was trained for.
    func has(_ schedule: SigmaSchedule, _ kind: Run.Kind) -> Bool {
        switch self {
        case .ipndmDiffusers, .tcd: return false
        case .pndm: return [.linspace, .leading, .trailing].contains(schedule)
        case .lcm where kind == .trained && [.linspace, .leading, .trailing].contains(schedule): return false
        case .dpmSolver2S, .dpmSolver3S: if [.leading, .trailing].contains(schedule) { return false }
        default: break
        }
        switch schedule {
        case .luLambdas: return kind == .trained && [.dpmSolver2M, .dpmSolver3M, .dpmSolver2MSDE].contains(self)
        case .linspace, .leading: return kind == .trained
        case .trailing: return kind == .trained || kind == .flow && !placesFlowItself
        case .betaSigmas: return kind != .preconditioned
        case .alignedSteps, .alignedStepsA1111: return kind == .trained
        default: return true
        }
    }

    /// Whether the class has levels of its own for flow models, which no spacing reaches.
    private var placesFlowItself: Bool {
        switch self {
        case .dpmSolver2S, .dpmSolver3S, .dpmSolver2M, .dpmSolver3M, .dpmSolver2MSDE, .uniPC, .deisDiffusers,
            .saSolverDiffusers:
            true
        default: false
        }
    }

    /// Whether the request's η has a use.
    var readsEta: Bool { self == .ddim || self == .tcd }
}

extension Sampler {
    /// The sampler of a checkpoint's own scheduler.
    package init(_ configuration: SchedulerConfiguration) throws(SchedulerError) {
        let name = configuration.className ?? ""
        guard let sampler = Self.classes[name] else { throw .unknownSchedulerClass(name) }
        let algorithm = try configuration.text("algorithm_type", default: "")
        self = sampler == .dpmSolver2M && algorithm.hasPrefix("sde-") ? .dpmSolver2MSDE : sampler
    }

    private static let classes: [String: Sampler] = [
        "EulerDiscreteScheduler": .euler, "FlowMatchEulerDiscreteScheduler": .euler, "EDMEulerScheduler": .euler,
        "EulerAncestralDiscreteScheduler": .eulerAncestral, "HeunDiscreteScheduler": .heun,
        "FlowMatchHeunDiscreteScheduler": .heun, "KDPM2DiscreteScheduler": .dpm2,
        "KDPM2AncestralDiscreteScheduler": .dpm2Ancestral, "LMSDiscreteScheduler": .lms, "DDIMScheduler": .ddim,
        "DDPMScheduler": .ddpm, "PNDMScheduler": .pndm, "DPMSolverSinglestepScheduler": .dpmSolver2S,
        "DPMSolverMultistepScheduler": .dpmSolver2M, "EDMDPMSolverMultistepScheduler": .dpmSolver2M,
        "DPMSolverSDEScheduler": .dpmSolverSDE, "UniPCMultistepScheduler": .uniPC,
        "DEISMultistepScheduler": .deisDiffusers, "IPNDMScheduler": .ipndmDiffusers,
        "SASolverScheduler": .saSolverDiffusers, "LCMScheduler": .lcm, "FlowMatchLCMScheduler": .lcm,
        "TCDScheduler": .tcd,
    ]
}
