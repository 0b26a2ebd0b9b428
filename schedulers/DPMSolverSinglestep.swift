// DPM-Solver and DPM-Solver++ (Lu et al. 2022), singlestep of order 1 to 3, as ODE and as SDE: every call of the model is a
// row, and two or three rows make a step from the latents that its first row saved.
// Reference: diffusers DPMSolverSinglestepScheduler, whose steps are calls.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func dpmSolverSinglestep(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let solver = try DPMSolver(configuration, sampler: run.sampler)
        if solver.predictsNoise { try configuration.refuseThresholding(for: run.sampler) }
        guard !(solver.predictsNoise && solver.isStochastic) else {
            throw .unsupported(key: "algorithm_type", value: "sde-dpmsolver", sampler: run.sampler)
        }
        let limit = try configuration.limit(clips: nil)
        let objective = try configuration.objective()
        let levels = try MultistepLevels(configuration, run: run, rules: .singlestep)
        let orders = try orders(configuration, solver.order, count: levels.timesteps.count, levels.endsAtZero)
        let steps = levels.range.map { i in
            // A run that begins within a step has no earlier calls to use.
            let order = min(orders[i], i - levels.range.lowerBound + 1)
            var step = levels.row(i, objective, predictsNoise: solver.predictsNoise, limit: limit)
            step.saves = order == 1
            step.update = solver.singlestep(
                to: levels.levels[i + 1], from: (0..<order).map { levels.levels[i - $0] }.reversed())
            step.draws = solver.isStochastic ? 1 : 0
            return step
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: 2)
    }

    /// The order of every row's update.
    private static func orders(
        _ configuration: SchedulerConfiguration, _ order: Int, count: Int, _ endsAtZero: Bool
    ) throws(SchedulerError) -> [Int] {
        var orders = (0..<count).map { $0 % order + 1 }
        let lowers = try configuration.flag("lower_order_final", default: false)
        if lowers || count % order != 0 || endsAtZero {
            // The last steps are of lower order, so that the last of all is of the first.
            let whole = count % order == 0 ? count - order : count - count % order
            for i in whole..<count { orders[i] = i - whole + 1 }
            if count % order == 0, order > 1 { orders[count - 1] = 1 }
        }
        if endsAtZero { orders[count - 1] = 1 }
        return orders
    }
}

extension DPMSolver {
    /// The update to a level from the levels of a step's calls, the first first. With h the whole step in λ, D₀ its first
    /// prediction and D₁ and D₂ the derivatives that the others make:
    ///
    ///     x ← scale·saved + w₀·D₀ + w₁·D₁ + w₂·D₂ + noise·ε
    fileprivate func singlestep(to next: Level, from: [Level]) -> Combination {
        let start = from[0]
        let h = next.logRatio - start.logRatio
        let exponent = (predictsNoise ? h : -h) * (isStochastic ? 2 : 1)
        let growth = expm1(exponent)
        var scale = predictsNoise ? next.signal / start.signal : next.noise / start.noise
        if isStochastic { scale *= exp(-h) }
        let weight = -(predictsNoise ? next.noise : next.signal)
        let noise = isStochastic ? next.noise * (-growth).squareRoot() : 0
        let zeroth = weight * growth
        // ∫ of the first and the second power of the time within the step.
        let first = weight * (growth / exponent - 1)
        // The SDE's constant has the reference's sign; the integral itself has the other.
        let second = weight * ((growth - exponent) / (exponent * exponent) + (isStochastic ? 0.5 : -0.5))
        var weights = [zeroth]
        switch from.count {
        case 1: break
        case 2:
            let r = (from[1].logRatio - start.logRatio) / h
            let w1 = (isHeun ? first : 0.5 * zeroth) / r
            weights = [zeroth - w1, w1]
        default:
            let r1 = (from[1].logRatio - start.logRatio) / h
            let r0 = (from[2].logRatio - start.logRatio) / h
            if isHeun {
                // D₁ = (r₀·D₁₀ - r₁·D₁₁) / (r₀ - r₁), D₂ = 2·(D₁₁ - D₁₀) / (r₀ - r₁)
                let d10 = (first * r0 - 2 * second) / (r0 - r1)
                let d11 = (2 * second - first * r1) / (r0 - r1)
                weights = [zeroth - d10 / r1 - d11 / r0, d10 / r1, d11 / r0]
            } else {
                weights = [zeroth - first / r0, 0, first / r0]
            }
        }
        let latest = weights[weights.count - 1]
        var update = Combination(
            present: Float(latest), past: weights.dropLast().reversed().map { Float($0) }, noise: Float(noise))
        // The first row saves before it updates.
        if from.count == 1 { update.latents = Float(scale) } else { update.saved = Float(scale) }
        return update
    }
}
