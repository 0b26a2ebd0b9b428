import Schedulers
import Testing

/// Configurations are input: whatever they say, a plan is one that can run, or there is a typed error.
@Suite struct HostileTests {
    private static let numbers: [Double] = [
        0, -1, 1, 2, 0.5, 3, 40, 1e-300, 1e300, -1e300, 1_048_576, 1000, .infinity, .nan,
    ]

    private static let keys = [
        "beta_start", "beta_end", "num_train_timesteps", "steps_offset", "sigma_min", "sigma_max", "sigma_data", "rho",
        "shift",
        "flow_shift", "shift_terminal", "solver_order", "predictor_order", "corrector_order",
        "original_inference_steps",
        "timestep_scaling", "lambda_min_clipped", "dynamic_thresholding_ratio", "sample_max_value", "clip_sample_range",
        "base_shift", "max_shift", "base_image_seq_len", "max_image_seq_len", "noise_sampler_seed",
    ]

    private static let words = [
        "beta_schedule": ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace"],
        "prediction_type": Objective.allCases.map(\.rawValue),
        "timestep_spacing": ["linspace", "leading", "trailing"],
        "algorithm_type": ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"],
        "solver_type": ["midpoint", "heun", "bh1", "bh2"], "final_sigmas_type": ["zero", "sigma_min"],
        "sigma_schedule": ["karras", "exponential"],
    ]

    private static let flags = [
        "thresholding", "clip_sample", "use_karras_sigmas", "use_flow_sigmas", "use_dynamic_shifting", "skip_prk_steps",
        "rescale_betas_zero_snr", "lower_order_final", "predict_x0", "set_alpha_to_one", "stochastic_sampling",
    ]

    @Test(arguments: Sampler.allCases) func `no configuration makes a plan that cannot run`(sampler: Sampler) {
        var random = SplitMix(state: sampler.rawValue.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        var planned = 0
        for _ in 0..<1500 {
            var configuration = SchedulerConfiguration(
                className: ["FlowMatchEulerDiscreteScheduler", "EDMEulerScheduler", nil, nil].randomElement(
                    using: &random) ?? nil)
            for key in Self.keys where Int.random(in: 0..<8, using: &random) == 0 {
                configuration.values[key] = Self.numbers.randomElement(using: &random).map { .number($0) }
            }
            for (key, words) in Self.words.sorted(by: { $0.key < $1.key }) where Bool.random(using: &random) {
                configuration.values[key] = words.randomElement(using: &random).map { .text($0) }
            }
            for key in Self.flags where Int.random(in: 0..<5, using: &random) == 0 {
                configuration.values[key] = .flag(Bool.random(using: &random))
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                configuration.values["trained_betas"] = .numbers(
                    (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                        Self.numbers.randomElement(using: &random) ?? 0
                    })
            }
            let request = SamplingRequest(
                sampler: sampler,
                schedule: Bool.random(using: &random) ? SigmaSchedule.allCases.randomElement(using: &random) : nil,
                steps: [1, 2, 3, 4, 5, 6, 7, 13].randomElement(using: &random) ?? 1,
                strength: Bool.random(using: &random) ? [0.2, 0.5, 1].randomElement(using: &random) : nil,
                eta: [0, 0.3, 1].randomElement(using: &random) ?? 0, imageTokens: 64,
                range: Bool.random(using: &random) ? .trained : .uniform, aligned: .sd1)
            guard let plan = try? SamplingPlan(request, configuration: configuration) else { continue }
            planned += 1
            #expect(!plan.steps.isEmpty)
            #expect(plan.initialNoise.isFinite)
            var draws = 0
            _ = plan.run(from: [0.5, -0.25], model: { input, _ in input }) { _ in
                draws += 1
                return [0.1, -0.1]
            }
            #expect(draws == plan.steps.reduce(0) { $0 + ($1.interval == nil ? $1.draws : 1) })
        }
        #expect(planned > 50)
    }
}

/// Vigna's SplitMix64, so that a failure comes back.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
