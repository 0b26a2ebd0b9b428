import Schedulers
import Testing

/// Every name of the table of samplers and schedules, column by column.
@Suite struct NameTests {
    /// Canonical name, then stable-diffusion.cpp, AUTOMATIC1111, diffusers, InvokeAI and Draw Things.
    static let samplers: [(canonical: String, others: [String])] = [
        (
            "euler",
            ["Euler", "k_euler", "EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler", "EDMEulerScheduler"]
        ),
        (
            "euler_ancestral",
            ["euler_a", "Euler a", "k_euler_a", "k_euler_ancestral", "EulerAncestralDiscreteScheduler", "EulerA"]
        ),
        ("heun", ["Heun", "k_heun", "HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"]),
        ("heunpp2", ["HeunPP2"]),
        ("dpm_2", ["dpm2", "DPM2", "k_dpm_2", "KDPM2DiscreteScheduler", "kdpm_2"]),
        ("dpm_2_ancestral", ["DPM2 a", "k_dpm_2_a", "KDPM2AncestralDiscreteScheduler", "kdpm_2_a"]),
        ("lms", ["LMS", "k_lms", "LMSDiscreteScheduler"]),
        ("dpm_fast", ["DPM fast", "k_dpm_fast"]),
        ("dpmpp_2s_ancestral", ["dpm++2s_a", "DPM++ 2S a", "k_dpmpp_2s_a"]),
        ("dpmpp_2s", ["DPMSolverSinglestepScheduler"]),
        ("dpmpp_3s", []), ("dpmpp_3m", []),
        ("dpmpp_sde", ["dpmpp_sde_gpu", "DPM++ SDE", "k_dpmpp_sde", "DPMSolverSDEScheduler"]),
        ("dpmpp_2m", ["dpm++2m", "dpm++2mv2", "DPM++ 2M", "k_dpmpp_2m", "DPMSolverMultistepScheduler"]),
        ("dpmpp_2m_sde", ["dpmpp_2m_sde_gpu", "dpm++2m_sde", "dpm++2m_sde_bt", "DPM++ 2M SDE", "k_dpmpp_2m_sde"]),
        ("dpmpp_2m_sde_heun", ["dpmpp_2m_sde_heun_gpu", "DPM++ 2M SDE Heun", "k_dpmpp_2m_sde_heun"]),
        ("dpmpp_3m_sde", ["dpmpp_3m_sde_gpu", "DPM++ 3M SDE", "k_dpmpp_3m_sde"]),
        ("ddpm", ["DDPM", "DDPMScheduler"]),
        ("ddim", ["DDIM", "DDIMScheduler"]),
        ("pndm", ["plms", "PLMS", "PNDMScheduler", "pndmScheduler"]),
        ("uni_pc", ["uni_pc_bh2", "UniPC", "unipc", "UniPCMultistepScheduler"]),
        ("lcm", ["LCM", "LCMScheduler", "FlowMatchLCMScheduler"]),
        ("tcd", ["TCD", "TCDScheduler"]),
        ("ipndm", ["IPNDM"]), ("ipndm_v", ["IPNDM_V"]), ("ipndm_diffusers", ["IPNDMScheduler"]),
        ("deis", ["DEIS"]), ("deis_diffusers", ["DEISMultistepScheduler"]),
        ("res_multistep", []), ("res_multistep_ancestral", []),
        ("gradient_estimation", ["euler_ge"]),
        ("er_sde", ["ER-SDE"]), ("seeds_2", []), ("seeds_3", []),
        ("sa_solver", []), ("sa_solver_pece", []), ("sa_solver_diffusers", ["SASolverScheduler"]),
        ("euler_cfg_pp", ["Euler CFG++"]), ("euler_ancestral_cfg_pp", ["euler_a_cfg_pp", "Euler a CFG++"]),
        ("dpmpp_2s_ancestral_cfg_pp", []), ("dpmpp_2m_cfg_pp", []), ("res_multistep_cfg_pp", []),
        ("res_multistep_ancestral_cfg_pp", []), ("gradient_estimation_cfg_pp", []),
    ]

    static let withSchedule: [(name: String, sampler: Sampler, schedule: SigmaSchedule)] = [
        ("ddim_trailing", .ddim, .trailing), ("euler_k", .euler, .karras), ("heun_k", .heun, .karras),
        ("kdpm_2_k", .dpm2, .karras), ("kdpm_2_a_k", .dpm2Ancestral, .karras), ("lms_k", .lms, .karras),
        ("dpmpp_sde_k", .dpmSolverSDE, .karras), ("dpmpp_2s_k", .dpmSolver2S, .karras),
        ("dpmpp_2m_k", .dpmSolver2M, .karras), ("dpmpp_3m_k", .dpmSolver3M, .karras),
        ("dpmpp_2m_sde_k", .dpmSolver2MSDE, .karras), ("unipc_k", .uniPC, .karras), ("deis_k", .deisDiffusers, .karras),
        ("k_lms_ka", .lms, .karras), ("k_dpm_2_a_ka", .dpm2Ancestral, .karras),
        ("k_dpmpp_2m_sde_ka", .dpmSolver2MSDE, .karras),
        ("DPMPPSDEKarras", .dpmSolverSDE, .karras), ("DPMPP2MKarras", .dpmSolver2M, .karras),
        ("euler_a karras", .eulerAncestral, .karras), ("DPM++ 2M SGM Uniform", .dpmSolver2M, .sgmUniform),
        ("DPM2 a Karras", .dpm2Ancestral, .karras), ("dpm++-2m-sgm-uniform", .dpmSolver2M, .sgmUniform),
        ("DPM++ 2M SDE Heun Exponential", .dpmSolver2MSDEHeun, .exponential),
        ("DPM++ 2M Beta", .dpmSolver2M, .betaSigmas), ("dpmpp_2m_beta", .dpmSolver2M, .beta),
        ("Euler KL Optimal", .euler, .klOptimalA1111), ("euler_kl_optimal", .euler, .klOptimal),
        ("Euler Align Your Steps", .euler, .alignedStepsA1111), ("euler_ays", .euler, .alignedSteps),
    ]

    static let schedules: [(canonical: String, others: [String])] = [
        ("normal", ["discrete", "Normal", "uniform", "Uniform"]), ("karras", ["Karras"]),
        ("exponential", ["Exponential"]),
        ("sgm_uniform", ["SGM Uniform", "SGMUniform"]), ("simple", ["Simple"]), ("ddim_uniform", ["ddim", "DDIM"]),
        ("linear_quadratic", []), ("ays", []), ("trailing", ["turbo", "Turbo"]), ("linspace", []), ("leading", []),
        ("use_beta_sigmas", []), ("use_lu_lambdas", []), ("beta", []), ("kl_optimal", []), ("kl_optimal_a1111", []),
        ("align_your_steps", ["Align Your Steps"]),
    ]

    static let absentSchedules = [
        "align_your_steps_GITS", "align_your_steps_11", "align_your_steps_32", "gits", "smoothstep", "bong_tangent",
        "ltx2",
        "logit_normal", "flux", "flux2", "lcm", "karras_exponential",
    ]

    /// How programs spell one name: any case, and spaces, hyphens and underscores for each other or left out.
    static func spellings(_ name: String) -> [String] {
        let separators = [" ", "-", "_", ""]
        return separators.flatMap { separator in
            let spelled = String(name.flatMap { " -_".contains($0) ? separator : String($0) })
            return [spelled, spelled.lowercased(), spelled.uppercased(), spelled.replacing("++", with: "pp")]
        } + [name, name.lowercased(), name.uppercased()]
    }

    @Test func `the table names every sampler and schedule once`() {
        #expect(Self.samplers.map(\.canonical).sorted() == Sampler.allCases.map(\.rawValue).sorted())
        #expect(Self.schedules.map(\.canonical).sorted() == SigmaSchedule.allCases.map(\.rawValue).sorted())
    }

    @Test(arguments: samplers) func `every sampler's name leads to its canonical name in every spelling`(
        canonical: String, others: [String]
    ) throws {
        for name in [canonical] + others {
            for spelling in Self.spellings(name) {
                let named = try Sampler.named(spelling)
                #expect(named.sampler.rawValue == canonical, "\(spelling)")
                #expect(named.schedule == nil, "\(spelling)")
            }
        }
    }

    @Test(arguments: Sampler.allCases) func `every sampler takes every schedule as a suffix in every spelling`(
        sampler: Sampler
    ) throws {
        for schedule in SigmaSchedule.allCases {
            for name in [sampler.rawValue, sampler.label].compactMap(\.self) {
                for separator in [" ", "_", "-"] {
                    let joined = name + separator + schedule.rawValue
                    for spelling in [joined, joined.uppercased(), joined.replacing("_", with: "-")] {
                        let named = try Sampler.named(spelling)
                        #expect(named.sampler == sampler && named.schedule == schedule, "\(spelling): \(named)")
                    }
                }
                guard let label = schedule.label else { continue }
                let named = try Sampler.named("\(name) \(label)")
                #expect(named.sampler == sampler && named.schedule == schedule, "\(name) \(label): \(named)")
            }
        }
    }

    @Test func `no alias and no label belongs to two`() throws {
        for sampler in Sampler.allCases {
            for alias in sampler.aliases + [sampler.label].compactMap(\.self) {
                #expect(try Sampler.named(alias).sampler == sampler, "\(alias)")
            }
        }
        for schedule in SigmaSchedule.allCases {
            for alias in schedule.aliases + [schedule.label].compactMap(\.self) {
                #expect(try SigmaSchedule.named(alias) == schedule, "\(alias)")
            }
        }
    }

    @Test(arguments: withSchedule) func `some names say a schedule too`(
        name: String, sampler: Sampler, schedule: SigmaSchedule
    ) throws {
        let named = try Sampler.named(name)
        #expect(named.sampler == sampler)
        #expect(named.schedule == schedule)
    }

    @Test(arguments: schedules) func `every schedule's name leads to its canonical name in every spelling`(
        canonical: String, others: [String]
    ) throws {
        for name in [canonical] + others {
            for spelling in Self.spellings(name) {
                // "Beta" and "KL Optimal" are AUTOMATIC1111's labels in exactly that spelling.
                guard !["Beta", "KL Optimal"].contains(spelling) else { continue }
                #expect(try SigmaSchedule.named(spelling)?.rawValue == canonical, "\(spelling)")
            }
        }
        #expect(try SigmaSchedule.named("Automatic") == nil)
    }

    @Test(arguments: [
        ("Beta", SigmaSchedule.betaSigmas), ("beta", .beta), ("BETA", .beta), ("KL Optimal", .klOptimalA1111),
        ("kl_optimal", .klOptimal), ("Align Your Steps", .alignedStepsA1111), ("ays", .alignedSteps),
    ]) func `a label of AUTOMATIC1111's means its own schedule, another spelling ComfyUI's`(
        name: String, schedule: SigmaSchedule
    ) throws {
        #expect(try SigmaSchedule.named(name) == schedule)
    }

    @Test(arguments: Sampler.notBuilt.flatMap(\.names))
    func `a sampler of this field that is not here is said to be known, and why it is missing`(name: String) {
        let reason = Sampler.notBuilt.first { $0.names.contains(name) }?.reason ?? ""
        for spelling in Self.spellings(name) + ["\(name) Karras", "\(name)_sgm_uniform"] {
            let error = SchedulerError.samplerNotBuilt(spelling, reason: reason)
            #expect(throws: error) { try Sampler.named(spelling) }
            #expect(error.description.contains(spelling) && error.description.contains(reason))
        }
    }

    @Test(arguments: absentSchedules) func `a schedule of this field that is not here is said to be known`(
        name: String
    ) {
        for spelling in Self.spellings(name) {
            #expect(throws: SchedulerError.scheduleNotBuilt(spelling)) { try SigmaSchedule.named(spelling) }
        }
        #expect(throws: SchedulerError.scheduleNotBuilt("DPM++ 2M \(name)")) { try Sampler.named("DPM++ 2M \(name)") }
    }

    @Test(arguments: ["", "eular", "karras", "dpm++", "euler foo", "foo karras", "k", " ", "simple"])
    func `an unknown sampler is answered with the valid names`(name: String) {
        #expect(throws: SchedulerError.unknownSampler(name)) { try Sampler.named(name) }
        let text = SchedulerError.unknownSampler(name).description
        for sampler in Sampler.allCases { #expect(text.contains(sampler.rawValue)) }
    }

    @Test func `an unknown schedule is answered with the valid names`() {
        #expect(throws: SchedulerError.unknownSchedule("karas")) { try SigmaSchedule.named("karas") }
        let text = SchedulerError.unknownSchedule("karas").description
        for schedule in SigmaSchedule.allCases { #expect(text.contains(schedule.rawValue)) }
    }
}
