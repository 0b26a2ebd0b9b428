import Foundation
import Schedulers
import Testing

// For Gaussian data of variance s² the perfect model and the exact path are known: x at noise level σ (signal 1) has
// variance s² + σ², and the probability-flow path keeps x / √(s² + σ²) constant. A wrong table shows as a wrong limit or
// a wrong order, without any model.

@Suite struct GaussianTests {
    static let variance = 0.25
    static let trained = SchedulerConfiguration(
        values: [
            "beta_start": .number(0.00085), "beta_end": .number(0.012), "beta_schedule": .text("scaled_linear"),
            "timestep_spacing": .text("linspace"), "clip_sample": .flag(false), "skip_prk_steps": .flag(true),
        ])

    /// Measured where the last step begins: that step ends at no noise, with an error of its own that more steps leave.
    @Test(arguments: [
        (Sampler.euler, SigmaSchedule.karras, 1.0), (.ddim, .karras, 1), (.heun, .karras, 2), (.dpm2, .karras, 2),
        (.dpmSolver2M, .exponential, 2), (.uniPC, .exponential, 2), (.lms, .karras, 2),
        (.dpmSolver2S, .exponential, 2), (.dpmSolver3M, .exponential, 2), (.deisDiffusers, .exponential, 2),
        (.deis, .karras, 2), (.resMultistep, .exponential, 2),
        (.gradientEstimation, .karras, 1), (.eulerPlusPlus, .karras, 1), (.dpmSolver2MPlusPlus, .exponential, 2),
        (.resMultistepPlusPlus, .exponential, 2),
    ]) func `halving the steps' size divides the error by 2 to the order`(
        sampler: Sampler, schedule: SigmaSchedule, order: Double
    ) throws {
        let errors = try [20, 40, 80].map {
            pathError(of: try plan(sampler, schedule, steps: $0, objective: .epsilon), objective: .epsilon)
        }
        #expect(errors[0] < 0.1)
        for (coarse, fine) in zip(errors, errors.dropFirst()) {
            #expect(log2(coarse / fine) > order - 0.35, "\(sampler.rawValue): \(errors)")
        }
    }

    static let stochastic: [Sampler] = [
        .eulerAncestral, .ddpm, .dpmSolver2MSDE, .dpmSolverSDE, .dpm2Ancestral, .dpmSolver2SAncestral,
        .dpmSolver2MSDEHeun, .dpmSolver3MSDE, .resMultistepAncestral, .erSDE, .seeds2, .seeds3, .saSolver,
        .saSolverPECE,
        .saSolverDiffusers, .eulerAncestralPlusPlus, .resMultistepAncestralPlusPlus,
    ]

    /// Neither kind: distilled models' samplers jump, one ends at the least level, one has levels of its own, one mixes the
    /// predictions of two levels.
    static let apart: [Sampler] = [.lcm, .tcd, .dpmFast, .ipndmDiffusers, .dpmSolver2SAncestralPlusPlus]

    @Test(arguments: Sampler.allCases.filter { !(stochastic + apart).contains($0) })
    func `every deterministic sampler ends on the exact path for every objective`(sampler: Sampler) throws {
        for objective in [Objective.epsilon, .velocity, .sample] where sampler.runs(objective) {
            let plan = try plan(sampler, nil, steps: 200, objective: objective)
            let exact = Self.variance.squareRoot() / deviation(of: plan.steps[0].level)
            let error = abs(Double(latent(at: plan.steps.count, of: plan, objective)) / exact - 1)
            #expect(error < 0.02, "\(sampler.rawValue), \(objective.rawValue): \(error)")
        }
    }

    @Test(
        arguments: Sampler.allCases.filter { !(stochastic + apart).contains($0) && $0.runs(.flow) }, [1.0, 3.0])
    func `flow samplers end on the exact path`(sampler: Sampler, shift: Double) throws {
        let configuration = SchedulerConfiguration(
            className: "FlowMatchEulerDiscreteScheduler", values: ["shift": .number(shift)])
        let errors = try [50, 100, 200].map { steps in
            let plan = try SamplingPlan(SamplingRequest(sampler: sampler, steps: steps), configuration: configuration)
            return pathError(of: plan, objective: .flow)
        }
        #expect(errors[2] < 0.015, "\(errors)")
        #expect(errors[2] < 0.55 * errors[0], "\(errors)")
    }

    @Test(arguments: stochastic) func `every stochastic sampler ends with the data's variance`(sampler: Sampler) throws
    {
        let errors = try [25, 50, 100].map { steps in
            let plan = try SamplingPlan(
                SamplingRequest(sampler: sampler, schedule: sampler == .ddpm ? nil : .karras, steps: steps),
                configuration: Self.trained)
            return abs(finalVariance(of: plan) - Self.variance)
        }
        #expect(errors[2] < 0.03, "\(sampler.rawValue): \(errors)")
        // What is of higher order is exact before halving shows.
        let falls = errors[0] > 1.5 * errors[1] && errors[1] > 1.5 * errors[2]
        #expect(falls || errors.allSatisfy { $0 < 0.005 }, "\(sampler.rawValue): \(errors)")
    }

    @Test func `DDIM with noise ends with the data's variance`() throws {
        let plan = try SamplingPlan(SamplingRequest(sampler: .ddim, steps: 200, eta: 1), configuration: Self.trained)
        #expect(abs(finalVariance(of: plan) - Self.variance) < 0.02)
    }

    @Test(arguments: Sampler.allCases.filter { $0 != .ipndmDiffusers })
    func `timesteps and noise levels belong together`(sampler: Sampler) throws {
        for schedule in SigmaSchedule.allCases {
            guard
                let plan = try? SamplingPlan(
                    SamplingRequest(sampler: sampler, schedule: schedule, steps: 12, aligned: .sdxl),
                    configuration: Self.trained)
            else { continue }
            #expect(plan.steps.count >= 12)
            for step in plan.steps {
                let expected = Self.trainedSigma(at: Double(step.timestep))
                // Whole timesteps lie up to half a timestep from their level; multistep solvers cut off more.
                let isExact =
                    [.euler, .eulerAncestral, .heun, .lms, .ddim, .ddpm, .lcm, .dpmSolverSDE].contains(sampler)
                    && schedule.owner == .diffusers
                let tolerance = isExact ? 0.005 : 0.2
                #expect(abs(log(sigma(of: step) / expected)) < tolerance, "\(sampler.rawValue) \(schedule.rawValue)")
            }
        }
    }

    @Test(arguments: [SigmaSchedule.karras, .exponential, .betaSigmas, .simple, .normal, .klOptimal])
    func `DDIM on spread levels is Euler in other coordinates`(schedule: SigmaSchedule) throws {
        let request = SamplingRequest(schedule: schedule, steps: 9)
        var (ddim, euler) = (request, request)
        (ddim.sampler, euler.sampler) = (.ddim, .euler)
        let preserving = try SamplingPlan(ddim, configuration: Self.trained)
        let exploding = try SamplingPlan(euler, configuration: Self.trained)
        #expect(preserving.steps.map(\.timestep) == exploding.steps.map(\.timestep))
        let model: ([Float], Float) -> [Float] = { input, time in input.map { tanh($0 + sin(time)) } }
        let first = exploding.steps[0].level.noise
        let scale = 1 / (1 + first * first).squareRoot()
        let a = preserving.run(from: [exploding.initialNoise * scale], model: model, noise: { _ in [0] })
        let b = exploding.run(from: [exploding.initialNoise], model: model, noise: { _ in [0] })
        #expect(abs(a[0] - b[0]) < 1e-4)
    }

    @Test func `simple counts training levels down from the last`() throws {
        for sampler in [Sampler.euler, .ddim, .dpmSolver2M] {
            let plan = try SamplingPlan(
                SamplingRequest(sampler: sampler, schedule: .simple, steps: 3), configuration: Self.trained)
            #expect(plan.steps.map(\.timestep) == [999, 666, 333])
        }
    }
}

extension GaussianTests {
    /// √ of the variance of latents at a level.
    private func deviation(of level: NoiseLevel) -> Double {
        let (signal, noise) = (Double(level.signal), Double(level.noise))
        return (signal * signal * Self.variance + noise * noise).squareRoot()
    }

    /// σ = noise / signal of the latents that the model sees in a row.
    private func sigma(of step: Step) -> Double {
        let input = Double(step.input)
        return input < 1 ? (1 / (input * input) - 1).squareRoot() : Double(step.level.noise / step.level.signal)
    }

    /// What the perfect model puts out, as a multiple of its input.
    private func perfectModel(_ step: Step, _ objective: Objective) -> Float {
        let s = Self.variance
        if objective == .flow {
            let sigma = Double(step.level.noise)
            return Float((sigma - (1 - sigma) * s) / ((1 - sigma) * (1 - sigma) * s + sigma * sigma))
        }
        // Input x = a·x₀ + b·ε with a² + b² = 1.
        let ratio = sigma(of: step)
        let a = 1 / (1 + ratio * ratio).squareRoot()
        let b = ratio * a
        let power = a * a * s + b * b
        switch objective {
        case .epsilon: return Float(b / power)
        case .sample: return Float(a * s / power)
        default: return Float((a * b - a * b * s) / power)
        }
    }

    /// The latent before row `row` of a run from 1 without noise.
    private func latent(at row: Int, of plan: SamplingPlan, _ objective: Objective) -> Float {
        var state = SamplingState<[Float]>(latents: [1])
        for step in plan.steps.prefix(row) {
            let output = step.modelInput(state.latents).map { $0 * perfectModel(step, objective) }
            step.apply(output: output, noise: nil, history: plan.history, to: &state)
        }
        return state.latents[0]
    }

    private func plan(
        _ sampler: Sampler, _ schedule: SigmaSchedule?, steps: Int, objective: Objective
    ) throws -> SamplingPlan {
        var configuration = Self.trained
        configuration.values["prediction_type"] = .text(objective.rawValue)
        return try SamplingPlan(
            SamplingRequest(sampler: sampler, schedule: schedule, steps: steps), configuration: configuration)
    }

    /// The relative error where the last row begins.
    private func pathError(of plan: SamplingPlan, objective: Objective) -> Double {
        let last = plan.steps.count - 1
        let exact = deviation(of: plan.steps[last].level) / deviation(of: plan.steps[0].level)
        return abs(Double(latent(at: last, of: plan, objective)) / exact - 1)
    }

    /// Runs are linear in what is drawn: the final variance is the sum of squares of every draw's weight.
    private func finalVariance(of plan: SamplingPlan) -> Double {
        // A Brownian path's independent parts lie between neighbouring levels.
        let marks = Set(plan.steps.compactMap(\.interval).flatMap { [$0.from, $0.to] }).sorted()
        let parts = plan.path == nil ? plan.steps.reduce(0) { $0 + $1.draws } : max(0, marks.count - 1)
        func unit(_ index: Int) -> [Float] { (0...parts).map { $0 == index ? 1 : 0 } }

        let first = plan.steps[0].level
        var state = SamplingState(latents: unit(0).map { $0 * Float(deviation(of: first)) })
        var drawn = 0
        for step in plan.steps {
            let output = step.modelInput(state.latents).map { $0 * perfectModel(step, .epsilon) }
            var noise: [Float]?
            if let interval = step.interval {
                let whole = interval.from - interval.to
                noise =
                    [0]
                    + (0..<parts).map { i in
                        let inside = marks[i] >= interval.to && marks[i + 1] <= interval.from
                        return inside ? ((marks[i + 1] - marks[i]) / whole).squareRoot() : 0
                    }
            } else if step.draws > 0 {
                drawn += step.draws
                noise = unit(drawn)
            }
            step.apply(output: output, noise: noise, history: plan.history, to: &state)
        }
        return state.latents.reduce(0) { $0 + Double($1) * Double($1) }
    }

    /// σ of SD 1.x's training at a timestep, between timesteps linear in ln σ.
    private static func trainedSigma(at timestep: Double) -> Double {
        var product = 1.0
        let sigmas = (0..<1000).map { i in
            let root = 0.00085.squareRoot() + (0.012.squareRoot() - 0.00085.squareRoot()) * Double(i) / 999
            product *= 1 - root * root
            return ((1 - product) / product).squareRoot()
        }
        let low = min(Int(timestep), 998)
        let weight = timestep - Double(low)
        return exp((1 - weight) * log(sigmas[low]) + weight * log(sigmas[low + 1]))
    }
}
