// DPM-Solver++ (Lu et al. 2022), multistep of order 1 to 3, as ODE and as SDE; with predicted noise in place of the
// denoised picture it is DPM-Solver.
// Reference: diffusers DPMSolverMultistepScheduler, EDMDPMSolverMultistepScheduler.
//
// All integrals are over λ = ln(signal / noise). The data form steps from the latents scaled by noise, the noise form
// by signal. With h the step in λ and D₀, D₁, D₂ the prediction and its divided differences:
//
//     x ← scale·x + w₀·D₀ + w₁·D₁ + w₂·D₂ + noise·ε

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func dpmSolverMultistep(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let solver = try DPMSolver(configuration, sampler: run.sampler)
        if solver.predictsNoise { try configuration.refuseThresholding(for: run.sampler) }
        let limit = try configuration.limit(clips: nil)
        let objective = try configuration.objective()
        let levels = try MultistepLevels(configuration, run: run, rules: .multistep)
        let count = levels.timesteps.count
        let lowerFinal = try configuration.flag("lower_order_final", default: true) && count < 15
        let eulerFinal = try configuration.flag("euler_at_final", default: false)
        let steps = levels.range.map { i in
            let isLast = i == count - 1 && (eulerFinal || lowerFinal || levels.endsAtZero)
            let isSecondLast = i == count - 2 && lowerFinal
            let order = isLast ? 1 : min(solver.order, i - levels.range.lowerBound + 1, isSecondLast ? 2 : 3)
            var step = levels.row(i, objective, predictsNoise: solver.predictsNoise, limit: limit)
            step.update = solver.update(
                to: levels.levels[i + 1], from: (0..<order).map { levels.levels[i - $0] })
            step.draws = solver.isStochastic ? 1 : 0
            return step
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: max(0, solver.order - 1))
    }
}

struct DPMSolver {
    let order: Int
    let predictsNoise, isStochastic, isHeun: Bool

    init(_ configuration: SchedulerConfiguration, sampler: Sampler) throws(SchedulerError) {
        let algorithm = try configuration.text("algorithm_type", default: "dpmsolver++")
        let type = try configuration.text("solver_type", default: "midpoint")
        let order = try configuration.integer("solver_order", default: 2)
        guard ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++", "deis"].contains(algorithm) else {
            throw .unsupported(key: "algorithm_type", value: algorithm, sampler: sampler)
        }
        guard ["midpoint", "heun", "logrho", "bh1", "bh2"].contains(type) else {
            throw .unsupported(key: "solver_type", value: type, sampler: sampler)
        }
        guard (1...3).contains(order), !(order == 3 && algorithm == "sde-dpmsolver") else {
            throw .unsupported(key: "solver_order", value: "\(order)", sampler: sampler)
        }
        self.order = order
        predictsNoise = algorithm == "dpmsolver" || algorithm == "sde-dpmsolver"
        isStochastic = algorithm.hasPrefix("sde-")
        isHeun = type == "heun"
    }

    /// The update to a level from the present one and `from.count - 1` earlier ones, the latest first.
    func update(to next: Level, from: [Level]) -> Combination {
        let now = from[0]
        let h = next.logRatio - now.logRatio
        // The form's sign: the data form integrates e^{-h}, the noise form e^{h}; the SDE doubles the exponent.
        let exponent = (predictsNoise ? h : -h) * (isStochastic && !predictsNoise ? 2 : 1)
        let growth = expm1(exponent)
        let target = predictsNoise ? next.signal : next.noise
        var scale = target / (predictsNoise ? now.signal : now.noise)
        if isStochastic && !predictsNoise { scale *= exp(-h) }
        let weight = -(predictsNoise ? next.noise : next.signal) * (isStochastic && predictsNoise ? 2 : 1)
        let noise = isStochastic ? next.noise * (predictsNoise ? expm1(2 * h) : -growth).squareRoot() : 0

        // D₁ and D₂ as weights of the predictions.
        let zeroth = weight * growth
        var predictions = [zeroth]
        if from.count > 1 {
            let r0 = (now.logRatio - from[1].logRatio) / h
            let first = weight * (growth / exponent - 1)
            if from.count == 2 {
                let w1 = (isHeun ? first : 0.5 * zeroth) / r0
                predictions = [zeroth + w1, -w1]
            } else {
                let r1 = (from[1].logRatio - from[2].logRatio) / h
                // The SDE's constant has the reference's sign; the integral itself has the other.
                let constant = isStochastic ? 0.5 : -0.5
                let second = weight * ((growth - exponent) / (exponent * exponent) + constant)
                let (a, b) = (1 / r0, 1 / r1)
                // D₁ = D₁₀ + r₀/(r₀+r₁)·(D₁₀ - D₁₁), D₂ = (D₁₀ - D₁₁)/(r₀+r₁)
                let difference = first * r0 / (r0 + r1) + second / (r0 + r1)
                let (d10, d11) = (first + difference, -difference)
                predictions = [zeroth + d10 * a, -d10 * a + d11 * b, -d11 * b]
            }
        }
        return Combination(
            latents: Float(scale), present: Float(predictions[0]), past: predictions.dropFirst().map { Float($0) },
            noise: Float(noise))
    }
}
