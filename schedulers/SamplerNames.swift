// What programs of this field call the samplers.

extension Sampler {
    /// A name as programs of this field write it: case, spaces, hyphens and underscores do not matter, "++" is "pp". Some
    /// names carry a schedule ("DPM++ 2M Karras", "ddim_trailing", "euler_k").
    package static func named(_ name: String) throws(SchedulerError) -> (sampler: Sampler, schedule: SigmaSchedule?) {
        let key = NameKey(name)
        if let both = withSchedule.first(where: { NameKey($0.name) == key }) { return (both.sampler, both.schedule) }
        if let sampler = byKey[key] { return (sampler, nil) }
        if let reason = reasonNotBuilt(key) { throw .samplerNotBuilt(name, reason: reason) }
        for (suffix, schedule) in suffixes {
            guard let rest = key.dropping(suffix) else { continue }
            if let reason = reasonNotBuilt(rest) { throw .samplerNotBuilt(name, reason: reason) }
            guard let sampler = byKey[rest] else { continue }
            guard let schedule else { throw .scheduleNotBuilt(name) }
            return (sampler, SigmaSchedule.labelled(name) ?? schedule)
        }
        throw .unknownSampler(name)
    }

    /// Other names: stable-diffusion.cpp, AUTOMATIC1111 (label and aliases), diffusers, InvokeAI, Draw Things, OpenVINO,
    /// Apple's Core ML package.
    package var aliases: [String] {
        switch self {
        case .euler:
            [
                "Euler", "k_euler", "EulerDiscreteScheduler", "EULER_DISCRETE", "FlowMatchEulerDiscreteScheduler",
                "FLOW_MATCH_EULER_DISCRETE", "DiscreteFlow", "discreteFlowScheduler", "EDMEulerScheduler",
            ]
        case .eulerAncestral:
            [
                "euler_a", "Euler a", "k_euler_a", "k_euler_ancestral", "EulerAncestralDiscreteScheduler", "EulerA",
                "EULER_ANCESTRAL_DISCRETE", "euler_ancestral_discrete",
            ]
        case .heun: ["Heun", "k_heun", "HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"]
        case .heunPlusPlus: ["HeunPP2"]
        case .dpm2: ["dpm2", "DPM2", "k_dpm_2", "KDPM2DiscreteScheduler", "kdpm_2"]
        case .dpm2Ancestral:
            ["DPM2 a", "k_dpm_2_a", "k_dpm_2_ancestral", "KDPM2AncestralDiscreteScheduler", "kdpm_2_a", "dpm2_a"]
        case .lms: ["LMS", "k_lms", "LMSDiscreteScheduler"]
        case .dpmFast: ["DPM fast", "k_dpm_fast"]
        case .ddim: ["DDIM", "DDIMScheduler"]
        case .ddpm: ["DDPM", "DDPMScheduler"]
        case .pndm: ["plms", "PLMS", "PNDMScheduler", "pndmScheduler", "PNDM"]
        case .dpmSolver2S: ["DPMSolverSinglestepScheduler"]
        case .dpmSolver3S: []
        case .dpmSolver2SAncestral: ["dpm++2s_a", "DPM++ 2S a", "k_dpmpp_2s_a", "k_dpmpp_2s_ancestral"]
        case .dpmSolverSDE: ["dpmpp_sde_gpu", "DPM++ SDE", "k_dpmpp_sde", "DPMSolverSDEScheduler"]
        case .dpmSolver2M:
            [
                "dpm++2m", "dpm++2mv2", "DPM++ 2M", "k_dpmpp_2m", "DPMSolverMultistepScheduler",
                "dpmSolverMultistepScheduler", "EDMDPMSolverMultistepScheduler",
            ]
        case .dpmSolver3M: []
        case .dpmSolver2MSDE:
            ["dpmpp_2m_sde_gpu", "dpm++2m_sde", "dpm++2m_sde_bt", "DPM++ 2M SDE", "k_dpmpp_2m_sde"]
        case .dpmSolver2MSDEHeun: ["dpmpp_2m_sde_heun_gpu", "DPM++ 2M SDE Heun", "k_dpmpp_2m_sde_heun"]
        case .dpmSolver3MSDE: ["dpmpp_3m_sde_gpu", "DPM++ 3M SDE", "k_dpmpp_3m_sde"]
        case .uniPC: ["uni_pc_bh2", "UniPC", "unipc", "UniPCMultistepScheduler"]
        case .deis: ["DEIS"]
        case .deisDiffusers: ["DEISMultistepScheduler"]
        case .ipndm: ["IPNDM"]
        case .ipndmVariable: ["IPNDM_V"]
        case .ipndmDiffusers: ["IPNDMScheduler"]
        case .resMultistep: ["Res Multistep"]
        case .gradientEstimation: ["euler_ge"]
        case .erSDE: ["ER SDE", "ER-SDE"]
        case .saSolverDiffusers: ["SASolverScheduler"]
        case .lcm: ["LCM", "LCMScheduler", "FlowMatchLCMScheduler"]
        case .tcd: ["TCD", "TCDScheduler"]
        case .eulerPlusPlus: ["Euler CFG++"]
        case .eulerAncestralPlusPlus: ["euler_a_cfg_pp", "Euler a CFG++"]
        case .dpmSolver2MPlusPlus: ["DPM++ 2M CFG++"]
        case .dpmSolver2SAncestralPlusPlus: ["DPM++ 2S a CFG++"]
        default: []
        }
    }

    /// AUTOMATIC1111's label, where it or a well-known extension of it has the sampler.
    package var label: String? {
        switch self {
        case .euler: "Euler"
        case .eulerAncestral: "Euler a"
        case .heun: "Heun"
        case .heunPlusPlus: "HeunPP2"
        case .dpm2: "DPM2"
        case .dpm2Ancestral: "DPM2 a"
        case .lms: "LMS"
        case .dpmFast: "DPM fast"
        case .ddim: "DDIM"
        case .ddpm: "DDPM"
        case .pndm: "PLMS"
        case .dpmSolver2SAncestral: "DPM++ 2S a"
        case .dpmSolverSDE: "DPM++ SDE"
        case .dpmSolver2M: "DPM++ 2M"
        case .dpmSolver2MSDE: "DPM++ 2M SDE"
        case .dpmSolver2MSDEHeun: "DPM++ 2M SDE Heun"
        case .dpmSolver3MSDE: "DPM++ 3M SDE"
        case .uniPC: "UniPC"
        case .deis: "DEIS"
        case .ipndm: "IPNDM"
        case .ipndmVariable: "IPNDM_V"
        case .lcm: "LCM"
        default: nil
        }
    }

    /// What the sampler equals, whose runs the tests replay. Over the schedules of another owner the levels are that
    /// owner's.
    package var reference: String {
        switch self {
        case .euler:
            "diffusers EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler, EDMEulerScheduler; ComfyUI `euler`"
        case .eulerAncestral: "diffusers EulerAncestralDiscreteScheduler; ComfyUI `euler_ancestral`"
        case .heun: "diffusers HeunDiscreteScheduler, FlowMatchHeunDiscreteScheduler; ComfyUI `heun`"
        case .dpm2: "diffusers KDPM2DiscreteScheduler; ComfyUI `dpm_2`"
        case .dpm2Ancestral: "diffusers KDPM2AncestralDiscreteScheduler; ComfyUI `dpm_2_ancestral`"
        case .lms: "diffusers LMSDiscreteScheduler; ComfyUI `lms`"
        case .ddim: "diffusers DDIMScheduler; ComfyUI `ddim`"
        case .ddpm: "diffusers DDPMScheduler; ComfyUI `ddpm`"
        case .pndm: "diffusers PNDMScheduler"
        case .dpmSolver2S: "diffusers DPMSolverSinglestepScheduler"
        case .dpmSolver3S: "diffusers DPMSolverSinglestepScheduler, `solver_order` 3"
        case .dpmSolverSDE: "diffusers DPMSolverSDEScheduler; ComfyUI `dpmpp_sde`"
        case .dpmSolver2M:
            "diffusers DPMSolverMultistepScheduler, EDMDPMSolverMultistepScheduler; ComfyUI `dpmpp_2m`"
        case .dpmSolver3M: "diffusers DPMSolverMultistepScheduler, `solver_order` 3"
        case .dpmSolver2MSDE: "diffusers DPMSolverMultistepScheduler, `sde-dpmsolver++`"
        case .uniPC: "diffusers UniPCMultistepScheduler"
        case .deisDiffusers: "diffusers DEISMultistepScheduler"
        case .ipndmDiffusers: "diffusers IPNDMScheduler"
        case .saSolverDiffusers: "diffusers SASolverScheduler"
        case .lcm: "diffusers LCMScheduler, FlowMatchLCMScheduler; ComfyUI `lcm`"
        case .tcd: "diffusers TCDScheduler"
        default: "ComfyUI `\(rawValue)`"
        }
    }

    /// Names of this field that mean a sampler which is not here, and why.
    package static let notBuilt: [(names: [String], reason: String)] = [
        (
            ["dpm_adaptive", "DPM adaptive", "k_dpm_ad", "k_dpm_adaptive"],
            "it chooses its steps by the picture, so it has no table"
        ),
        (["exp_heun_2_x0", "exp_heun_2_x0_sde"], "newer than the reference here; `seeds_2` is close"),
        (["res_2s"], "stable-diffusion.cpp's own; `res_multistep` is close"),
        (["Restart"], "AUTOMATIC1111's own, which goes back up in noise"),
        (["DDIM CFG++", "ddim_cfgpp"], "AUTOMATIC1111's own; `euler_cfg_pp` is close"),
        (["CMStochasticIterativeScheduler"], "no model here is trained for it"),
    ]

    private static func reasonNotBuilt(_ key: NameKey) -> String? {
        notBuilt.first { $0.names.contains { NameKey($0) == key } }?.reason
    }

    private static let byKey: [NameKey: Sampler] = Dictionary(
        allCases.map { (NameKey($0.rawValue), $0) }
            + allCases.flatMap { sampler in sampler.aliases.map { (NameKey($0), sampler) } },
        uniquingKeysWith: { first, _ in first })

    /// Names that say a schedule too.
    private static let withSchedule: [(name: String, sampler: Sampler, schedule: SigmaSchedule)] = [
        ("ddim_trailing", .ddim, .trailing), ("DPMPP2MKarras", .dpmSolver2M, .karras),
        ("DPMPPSDEKarras", .dpmSolverSDE, .karras), ("deis_k", .deisDiffusers, .karras),
    ]

    /// Schedules at the end of a name, the longest first: "SGM Uniform" before "Uniform". InvokeAI's "_k" and
    /// AUTOMATIC1111's "_ka" mean Karras levels; nil is a schedule that is not built.
    private static let suffixes: [(NameKey, SigmaSchedule?)] =
        (SigmaSchedule.byKey.map { ($0.key, $0.value) } + SigmaSchedule.notBuilt.map { (NameKey($0), nil) }
        + [(NameKey("ka"), .karras), (NameKey("k"), .karras)])
        .sorted { ($0.0.text.count, $1.0.text) > ($1.0.text.count, $0.0.text) }
}
