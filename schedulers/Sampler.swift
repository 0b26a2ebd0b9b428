/// The samplers, by their canonical (ComfyUI's) names.
package enum Sampler: String, Sendable, Equatable, CaseIterable {
    case euler
    case eulerAncestral = "euler_ancestral"
    case heun
    case dpm2 = "dpm_2"
    case lms
    case ddim
    case ddpm
    case pndm
    case dpmSolver2M = "dpmpp_2m"
    case dpmSolver2MSDE = "dpmpp_2m_sde"
    case dpmSolverSDE = "dpmpp_sde"
    case uniPC = "uni_pc"
    case lcm

    /// Whether a model with this objective can be sampled.
    package func runs(_ objective: Objective) -> Bool {
        switch self {
        case .euler, .dpmSolver2M, .dpmSolver2MSDE, .uniPC: true
        case .pndm: objective == .epsilon || objective == .velocity
        default: objective != .flow
        }
    }
}

extension Sampler {
    /// A name as programs of this field write it, any case; some names carry a schedule ("DPM++ 2M Karras", "ddim_trailing").
    package static func named(_ name: String) throws(SchedulerError) -> (sampler: Sampler, schedule: SigmaSchedule?) {
        let key = name.lowercased()
        if let sampler = byName[key] { return (sampler, scheduleByName[key]) }
        for (suffix, schedule) in [(" karras", SigmaSchedule.karras), (" exponential", .exponential)] {
            if key.hasSuffix(suffix), let sampler = byName[String(key.dropLast(suffix.count))] {
                return (sampler, schedule)
            }
        }
        throw notImplemented.contains(key) ? .samplerNotImplemented(name) : .unknownSampler(name)
    }

    /// The sampler of a checkpoint's own scheduler.
    package init(_ configuration: SchedulerConfiguration) throws(SchedulerError) {
        let name = configuration.className ?? ""
        guard let sampler = Self.classes[name] else { throw .unknownSchedulerClass(name) }
        let algorithm = try configuration.text("algorithm_type", default: "")
        self = sampler == .dpmSolver2M && algorithm.hasPrefix("sde-") ? .dpmSolver2MSDE : sampler
    }

    /// Other names: stable-diffusion.cpp, AUTOMATIC1111 (label and aliases), diffusers, InvokeAI, Draw Things, OpenVINO,
    /// Apple's Core ML package.
    package var aliases: [String] {
        switch self {
        case .euler:
            [
                "Euler", "k_euler", "EulerDiscreteScheduler", "euler_k", "EULER_DISCRETE",
                "FlowMatchEulerDiscreteScheduler", "FLOW_MATCH_EULER_DISCRETE", "DiscreteFlow", "discreteFlowScheduler",
            ]
        case .eulerAncestral:
            [
                "euler_a", "Euler a", "k_euler_a", "k_euler_ancestral", "EulerAncestralDiscreteScheduler", "EulerA",
                "EULER_ANCESTRAL_DISCRETE",
            ]
        case .heun: ["Heun", "k_heun", "HeunDiscreteScheduler", "heun_k"]
        case .dpm2: ["dpm2", "DPM2", "k_dpm_2", "KDPM2DiscreteScheduler", "kdpm_2", "kdpm_2_k"]
        case .lms: ["LMS", "k_lms", "LMSDiscreteScheduler", "lms_k"]
        case .ddim: ["ddim_trailing", "DDIM", "DDIMScheduler"]
        case .ddpm: ["DDPM", "DDPMScheduler"]
        case .pndm: ["plms", "PLMS", "PNDMScheduler", "pndmScheduler", "PNDM"]
        case .dpmSolver2M:
            [
                "dpm++2m", "dpm++2mv2", "DPM++ 2M", "k_dpmpp_2m", "DPMSolverMultistepScheduler", "dpmpp_2m_k",
                "DPMPP2MKarras", "dpmSolverMultistepScheduler",
            ]
        case .dpmSolver2MSDE:
            [
                "dpmpp_2m_sde_gpu", "dpm++2m_sde", "dpm++2m_sde_bt", "DPM++ 2M SDE", "k_dpmpp_2m_sde", "dpmpp_2m_sde_k",
            ]
        case .dpmSolverSDE:
            [
                "dpmpp_sde_gpu", "DPM++ SDE", "k_dpmpp_sde", "DPMSolverSDEScheduler", "dpmpp_sde_k", "DPMPPSDEKarras",
            ]
        case .uniPC: ["uni_pc_bh2", "UniPC", "unipc", "UniPCMultistepScheduler", "unipc_k"]
        case .lcm: ["LCM", "LCMScheduler"]
        }
    }

    private static let byName = Dictionary(
        allCases.flatMap { sampler in ([sampler.rawValue] + sampler.aliases).map { ($0.lowercased(), sampler) } },
        uniquingKeysWith: { first, _ in first })

    /// Names that say a schedule too.
    private static let scheduleByName: [String: SigmaSchedule] = [
        "ddim_trailing": .sgmUniform,
        "euler_k": .karras, "heun_k": .karras, "kdpm_2_k": .karras, "lms_k": .karras, "dpmpp_2m_k": .karras,
        "dpmpp_2m_sde_k": .karras, "dpmpp_sde_k": .karras, "unipc_k": .karras,
        "dpmpp2mkarras": .karras, "dpmppsdekarras": .karras,
    ]

    private static let classes: [String: Sampler] = [
        "EulerDiscreteScheduler": .euler, "FlowMatchEulerDiscreteScheduler": .euler,
        "EulerAncestralDiscreteScheduler": .eulerAncestral, "HeunDiscreteScheduler": .heun,
        "KDPM2DiscreteScheduler": .dpm2, "LMSDiscreteScheduler": .lms, "DDIMScheduler": .ddim, "DDPMScheduler": .ddpm,
        "PNDMScheduler": .pndm, "DPMSolverMultistepScheduler": .dpmSolver2M, "DPMSolverSDEScheduler": .dpmSolverSDE,
        "UniPCMultistepScheduler": .uniPC, "LCMScheduler": .lcm,
    ]

    /// Names of this field that mean a sampler which is not here.
    private static let notImplemented: Set<String> = [
        "euler_cfg_pp", "euler_ancestral_cfg_pp", "euler_a_cfg_pp", "heunpp2", "exp_heun_2_x0", "exp_heun_2_x0_sde",
        "dpm_2_ancestral", "dpm2 a", "k_dpm_2_a", "kdpm2ancestraldiscretescheduler", "kdpm_2_a", "kdpm_2_a_k",
        "dpm_fast", "dpm fast", "k_dpm_fast", "dpm_adaptive", "dpm adaptive", "k_dpm_ad",
        "dpmpp_2s_ancestral", "dpm++2s_a", "dpm++ 2s a", "k_dpmpp_2s_a", "dpmsolversinglestepscheduler", "dpmpp_2s",
        "dpmpp_2s_k", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu",
        "dpm++ 2m sde heun", "k_dpmpp_2m_sde_heun", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "dpm++ 3m sde",
        "k_dpmpp_3m_sde", "dpmpp_3m", "dpmpp_3m_k", "ddim cfg++", "ddim_cfgpp", "tcd", "tcdscheduler",
        "ipndm", "ipndm_v", "ipndmscheduler", "deis", "deismultistepscheduler", "deis_k",
        "res_multistep", "res_multistep_cfg_pp", "res_multistep_ancestral", "res_multistep_ancestral_cfg_pp", "res_2s",
        "gradient_estimation", "gradient_estimation_cfg_pp", "euler_ge", "er_sde", "er-sde", "seeds_2", "seeds_3",
        "sa_solver", "sa_solver_pece", "sasolverscheduler", "restart",
        "flowmatchheundiscretescheduler", "flowmatchlcmscheduler",
    ]
}
