import Foundation
import Schedulers
import Testing

@Suite struct ConfigurationTests {
    private struct Correction: Decodable {
        struct Seen: Decodable {
            let steps_offset: Int
            let clip_sample: Bool
        }

        let config: SchedulerConfiguration
        let own, ddim: Seen
    }

    /// `steps_offset` and `clip_sample` show in the table: where leading spacing starts, and the clip.
    @Test func `configurations are corrected as StableDiffusionPipeline does`() throws {
        let corrections = try JSONDecoder().decode([Correction].self, from: Golden.data("corrections"))
        #expect(corrections.count == 4)
        for correction in corrections {
            var configuration = correction.config
            let replaced = try SamplingPlan(
                SamplingRequest(sampler: .ddim, steps: 10, corrects: true), configuration: configuration)
            #expect(replaced.steps.last?.timestep == Float(correction.ddim.steps_offset))
            #expect((replaced.steps[0].limit != nil) == correction.ddim.clip_sample)

            configuration.className = "DDIMScheduler"
            let own = try SamplingPlan(SamplingRequest(steps: 10, corrects: true), configuration: configuration)
            #expect(own.steps.last?.timestep == Float(correction.own.steps_offset))
            #expect((own.steps[0].limit != nil) == correction.own.clip_sample)
        }
    }

    @Test(arguments: [
        ("EulerDiscreteScheduler", Sampler.euler), ("PNDMScheduler", .pndm), ("DDIMScheduler", .ddim),
        ("UniPCMultistepScheduler", .uniPC), ("LCMScheduler", .lcm), ("DPMSolverMultistepScheduler", .dpmSolver2M),
        ("DPMSolverSinglestepScheduler", .dpmSolver2S), ("DEISMultistepScheduler", .deisDiffusers),
        ("TCDScheduler", .tcd), ("EDMEulerScheduler", .euler), ("EDMDPMSolverMultistepScheduler", .dpmSolver2M),
        ("SASolverScheduler", .saSolverDiffusers), ("FlowMatchHeunDiscreteScheduler", .heun),
        ("FlowMatchLCMScheduler", .lcm), ("KDPM2AncestralDiscreteScheduler", .dpm2Ancestral),
        ("IPNDMScheduler", .ipndmDiffusers),
    ]) func `the checkpoint's class chooses the sampler`(name: String, sampler: Sampler) throws {
        #expect(try Sampler(SchedulerConfiguration(className: name)) == sampler)
    }

    @Test func `a stochastic DPM-Solver checkpoint is dpmpp_2m_sde`() throws {
        let configuration = SchedulerConfiguration(
            className: "DPMSolverMultistepScheduler", values: ["algorithm_type": .text("sde-dpmsolver++")])
        #expect(try Sampler(configuration) == .dpmSolver2MSDE)
    }

    @Test(arguments: [
        SchedulerError.unknownSchedulerClass("CMStochasticIterativeScheduler"),
        .wrongType(key: "beta_start", expected: "a number"),
        .wrongType(key: "steps_offset", expected: "a whole number below 1048576"),
        .wrongType(key: "timestep_spacing", expected: "linspace, leading, trailing"),
        .unsupported(key: "beta_schedule", value: "exotic", sampler: .ddim),
        .unsupported(key: "thresholding", value: "true", sampler: .uniPC),
        .unsupported(key: "variance_type", value: "learned_range", sampler: .ddpm),
        .unsupported(key: "use_exponential_sigmas", value: "true beside use_karras_sigmas", sampler: .euler),
        .objectiveUnsupported(.sample, sampler: .pndm),
        .objectiveUnsupported(.flow, sampler: .ddim),
        .scheduleUnsupported(.karras, sampler: .pndm),
        .scheduleUnsupported(.trailing, sampler: .dpmSolver2S),
        .scheduleUnsupported(.luLambdas, sampler: .euler),
        .preconditioningUnsupported(sampler: .ddim),
        .noAlignedLevels(.alignedSteps),
        .wrongType(key: "dynamic_thresholding_ratio", expected: "a number from 0 to 1"),
        .stepsOutOfRange(0, allowed: 1...1000, sampler: .euler),
        .stepsOutOfRange(1001, allowed: 1...1000, sampler: .euler),
        .stepsOutOfRange(60, allowed: 1...50, sampler: .lcm),
        .stepsOutOfRange(3, allowed: 4...1000, sampler: .pndm),
        .strengthOutOfRange(0), .strengthOutOfRange(1.5), .strengthOutOfRange(-.infinity),
        .timestepOutOfRange(1000, count: 1000),
        .imageSizeNeeded,
        .parameterOutOfRange(name: "eta", value: 1.5, allowed: "from 0 to 1"),
        .parameterOutOfRange(name: "shift", value: 0, allowed: "above 0"),
        .notFinite(row: 6, sampler: .dpmSolver2M),
    ]) func `what cannot be honoured is refused with the fact`(expected: SchedulerError) {
        #expect(throws: expected) { try Self.provoke(expected) }
        #expect(!expected.description.isEmpty)
    }

    /// Asks for a plan that fails in the given way.
    private static func provoke(_ error: SchedulerError) throws {
        var configuration = SchedulerConfiguration()
        var request = SamplingRequest(sampler: .euler, steps: 20)
        switch error {
        case .unknownSchedulerClass(let name):
            (configuration.className, request.sampler) = (name, nil)
        case .wrongType(let key, _):
            configuration.values[key] = key == "steps_offset" ? .number(0.5) : .text("much")
            if key == "dynamic_thresholding_ratio" {
                request.sampler = .ddim
                configuration.values = ["thresholding": .flag(true), key: .number(1.5)]
            }
        case .unsupported(let key, let value, let sampler):
            request.sampler = sampler
            configuration.values["use_karras_sigmas"] = .flag(true)
            configuration.values["predict_x0"] = .flag(false)
            configuration.values[key] = value.hasPrefix("true") ? .flag(true) : .text(value)
        case .objectiveUnsupported(let objective, let sampler):
            request.sampler = sampler
            configuration.values["prediction_type"] = .text(objective.rawValue)
        case .scheduleUnsupported(let schedule, let sampler):
            (request.sampler, request.schedule) = (sampler, schedule)
        case .preconditioningUnsupported(let sampler):
            request.sampler = sampler
            configuration.className = "EDMEulerScheduler"
        case .noAlignedLevels(let schedule):
            request.schedule = schedule
        case .stepsOutOfRange(let steps, _, let sampler):
            (request.sampler, request.steps) = (sampler, steps)
        case .strengthOutOfRange(let strength):
            request.strength = strength
        case .timestepOutOfRange:
            request = SamplingRequest(sampler: .ddim, steps: 1000)
            configuration.values["steps_offset"] = .number(1)
        case .imageSizeNeeded:
            configuration.className = "FlowMatchEulerDiscreteScheduler"
            configuration.values["use_dynamic_shifting"] = .flag(true)
        case .parameterOutOfRange(let name, let value, _):
            if name == "eta" { request.eta = value } else { request.shift = value }
        case .notFinite:
            // The noise form cannot end at no noise.
            (request.sampler, request.steps) = (nil, 7)
            configuration.className = "DPMSolverMultistepScheduler"
            configuration.values["algorithm_type"] = .text("dpmsolver")
        default:
            return
        }
        _ = try SamplingPlan(request, configuration: configuration)
    }

    @Test func `parameters without a use are named`() throws {
        let plan = try SamplingPlan(
            SamplingRequest(sampler: .euler, steps: 4, eta: 0.5, shift: 3), configuration: SchedulerConfiguration())
        #expect(plan.ignored == ["shift", "eta"])
        let ddim = try SamplingPlan(
            SamplingRequest(sampler: .ddim, steps: 4, eta: 0.5), configuration: SchedulerConfiguration())
        #expect(ddim.ignored.isEmpty)
    }

    @Test(arguments: [(50, 0.8, false, 10), (10, 0.75, false, 3), (10, 0.75, true, 2), (7, 1.0, false, 0)])
    func `strength leaves out as many steps as diffusers`(steps: Int, strength: Double, isFlow: Bool, left: Int) throws
    {
        #expect(try SamplingPlan.begin(strength: strength, steps: steps, isFlow: isFlow) == left)
    }
}
