import Schedulers
import Testing

/// Every name of the table of samplers and schedules, column by column.
@Suite struct NameTests {
    /// Canonical name, then stable-diffusion.cpp, AUTOMATIC1111, diffusers, InvokeAI and Draw Things.
    static let samplers: [(canonical: String, others: [String])] = [
        ("euler", ["euler", "Euler", "k_euler", "EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"]),
        (
            "euler_ancestral",
            ["euler_a", "Euler a", "k_euler_a", "k_euler_ancestral", "EulerAncestralDiscreteScheduler", "EulerA"]
        ),
        ("heun", ["heun", "Heun", "k_heun", "HeunDiscreteScheduler"]),
        ("dpm_2", ["dpm2", "DPM2", "k_dpm_2", "KDPM2DiscreteScheduler", "kdpm_2"]),
        ("lms", ["lms", "LMS", "k_lms", "LMSDiscreteScheduler"]),
        ("dpmpp_sde", ["dpmpp_sde_gpu", "DPM++ SDE", "k_dpmpp_sde", "DPMSolverSDEScheduler"]),
        ("dpmpp_2m", ["dpm++2m", "dpm++2mv2", "DPM++ 2M", "k_dpmpp_2m", "DPMSolverMultistepScheduler"]),
        ("dpmpp_2m_sde", ["dpmpp_2m_sde_gpu", "dpm++2m_sde", "dpm++2m_sde_bt", "DPM++ 2M SDE", "k_dpmpp_2m_sde"]),
        ("ddpm", ["DDPM", "DDPMScheduler"]),
        ("ddim", ["DDIM", "DDIMScheduler"]),
        ("pndm", ["plms", "PLMS", "PNDMScheduler"]),
        ("uni_pc", ["uni_pc_bh2", "UniPC", "unipc", "UniPCMultistepScheduler"]),
        ("lcm", ["LCM", "LCMScheduler"]),
    ]

    static let withSchedule: [(name: String, sampler: Sampler, schedule: SigmaSchedule)] = [
        ("ddim_trailing", .ddim, .sgmUniform), ("euler_k", .euler, .karras), ("heun_k", .heun, .karras),
        ("kdpm_2_k", .dpm2, .karras), ("lms_k", .lms, .karras), ("dpmpp_sde_k", .dpmSolverSDE, .karras),
        ("dpmpp_2m_k", .dpmSolver2M, .karras), ("dpmpp_2m_sde_k", .dpmSolver2MSDE, .karras),
        ("unipc_k", .uniPC, .karras),
        ("DPMPPSDEKarras", .dpmSolverSDE, .karras), ("DPMPP2MKarras", .dpmSolver2M, .karras),
        ("DPM++ 2M Karras", .dpmSolver2M, .karras), ("euler_a karras", .eulerAncestral, .karras),
        ("DPM++ 2M SDE Exponential", .dpmSolver2MSDE, .exponential),
    ]

    static let absentSamplers = [
        "euler_cfg_pp", "euler_ancestral_cfg_pp", "euler_a_cfg_pp", "heunpp2", "HeunPP2", "exp_heun_2_x0",
        "exp_heun_2_x0_sde", "dpm_2_ancestral", "DPM2 a", "k_dpm_2_a", "KDPM2AncestralDiscreteScheduler", "kdpm_2_a_k",
        "dpm_fast", "DPM fast", "k_dpm_fast", "dpm_adaptive", "DPM adaptive", "k_dpm_ad", "dpmpp_2s_ancestral",
        "dpm++2s_a", "DPM++ 2S a", "DPMSolverSinglestepScheduler", "dpmpp_2s_k", "dpmpp_2m_cfg_pp",
        "dpmpp_2m_sde_heun_gpu", "DPM++ 2M SDE Heun", "dpmpp_3m_sde", "DPM++ 3M SDE", "DDIM CFG++", "tcd",
        "TCDScheduler",
        "ipndm", "ipndm_v", "IPNDMScheduler", "deis", "DEIS", "DEISMultistepScheduler", "res_multistep",
        "res_multistep_ancestral_cfg_pp", "res_2s", "gradient_estimation", "euler_ge", "er_sde", "seeds_2", "seeds_3",
        "sa_solver", "sa_solver_pece", "SASolverScheduler", "Restart",
    ]

    static let schedules: [(canonical: String, others: [String])] = [
        ("normal", ["discrete", "normal", "Normal", "uniform", "Uniform"]),
        ("karras", ["Karras"]), ("exponential", ["Exponential"]), ("sgm_uniform", ["SGM Uniform", "SGMUniform"]),
        ("simple", ["Simple"]), ("beta", ["Beta"]),
    ]

    static let absentSchedules = [
        "ddim_uniform", "DDIM", "linear_quadratic", "kl_optimal", "KL Optimal", "ays", "align_your_steps",
        "Align Your Steps", "align_your_steps_GITS", "gits", "smoothstep", "bong_tangent", "turbo", "polyexponential",
    ]

    @Test func `the table names every sampler once`() {
        #expect(Set(Self.samplers.map(\.canonical)) == Set(Sampler.allCases.map(\.rawValue)))
        #expect(Set(Self.schedules.map(\.canonical)) == Set(SigmaSchedule.allCases.map(\.rawValue)))
    }

    @Test(arguments: samplers) func `every sampler's name leads to its canonical name in any case`(
        canonical: String, others: [String]
    ) throws {
        for name in [canonical] + others {
            for spelling in [name, name.lowercased(), name.uppercased()] {
                #expect(try Sampler.named(spelling).sampler.rawValue == canonical)
                #expect(try Sampler.named(spelling).schedule == nil)
            }
        }
    }

    @Test func `no alias belongs to two samplers`() throws {
        for sampler in Sampler.allCases {
            for alias in sampler.aliases { #expect(try Sampler.named(alias).sampler == sampler) }
        }
        for schedule in SigmaSchedule.allCases {
            for alias in schedule.aliases { #expect(try SigmaSchedule.named(alias) == schedule) }
        }
    }

    @Test(arguments: withSchedule) func `some names say a schedule too`(
        name: String, sampler: Sampler, schedule: SigmaSchedule
    ) throws {
        let named = try Sampler.named(name)
        #expect(named.sampler == sampler)
        #expect(named.schedule == schedule)
    }

    @Test(arguments: schedules) func `every schedule's name leads to its canonical name in any case`(
        canonical: String, others: [String]
    ) throws {
        for name in [canonical] + others {
            for spelling in [name, name.lowercased(), name.uppercased()] {
                #expect(try SigmaSchedule.named(spelling)?.rawValue == canonical)
            }
        }
        #expect(try SigmaSchedule.named("Automatic") == nil)
    }

    @Test(arguments: absentSamplers) func `a sampler of this field that is not here is said to be missing`(name: String)
    {
        #expect(throws: SchedulerError.samplerNotImplemented(name)) { try Sampler.named(name) }
    }

    @Test(arguments: absentSchedules) func `a schedule of this field that is not here is said to be missing`(
        name: String
    ) {
        #expect(throws: SchedulerError.scheduleNotImplemented(name)) { try SigmaSchedule.named(name) }
    }

    @Test(arguments: ["", "eular", "karras", "dpm++"]) func `an unknown sampler is answered with the valid names`(
        name: String
    ) {
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
