// SA-Solver (Xue et al. 2023): stochastic Adams predictor and corrector, by two hands.
//
// `sa_solver_diffusers`        diffusers SASolverScheduler: noise at timesteps 200 to 800, drawn on every row.
// `sa_solver`, `sa_solver_pece`  ComfyUI's `sample_sa_solver`: predictor of order 3, corrector of order 4, noise in the
//                              middle three fifths; PECE evaluates the corrected latents once more, as a row of its own.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func saSolverDiffusers(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let limit = try configuration.limit(clips: nil)
        let algorithm = try configuration.text("algorithm_type", default: "data_prediction")
        guard algorithm == "data_prediction" else {
            throw .unsupported(key: "algorithm_type", value: algorithm, sampler: run.sampler)
        }
        let predictor = try configuration.integer("predictor_order", default: 2)
        let corrector = try configuration.integer("corrector_order", default: 2)
        guard (1...4).contains(predictor), (1...4).contains(corrector) else {
            throw .unsupported(key: "predictor_order", value: "\(predictor)", sampler: run.sampler)
        }
        let levels = try MultistepLevels(configuration, run: run, rules: .stochasticAdams)
        let lowers = try configuration.flag("lower_order_final", default: true)
        let count = levels.timesteps.count
        let remembered = max(predictor, corrector - 1)
        var steps: [Step] = []
        var previous: (step: StochasticAdams, weights: [Double], corrector: Int)?
        for i in levels.range {
            let done = min(i - levels.range.lowerBound, remembered)
            var row = levels.row(i, objective, limit: limit)
            if let previous {
                let order = previous.corrector
                var weights = previous.step.weights((0..<order).map { levels.levels[i - $0] })
                if order == 2 {
                    let h = levels.levels[i].logRatio - levels.levels[i - 1].logRatio
                    let change = previous.step.simplification(by: h)
                    weights = [weights[0] + change, weights[1] - change]
                }
                row.correction = StochasticAdams.corrector(weights, predicted: previous.weights)
            }
            let tau: Double = (200...800).contains(levels.timesteps[i]) ? 1 : 0
            let step = StochasticAdams(from: levels.levels[i], to: levels.levels[i + 1], tau: tau)
            let order = min(predictor, lowers ? count - i : predictor, done + 1)
            var weights = step.weights((0..<order).map { levels.levels[i - $0] })
            if order == 2 {
                let distance = levels.levels[i].logRatio - levels.levels[i - 1].logRatio
                let change = step.simplification(by: distance)
                weights = [weights[0] + change, weights[1] - change]
            }
            row.saves = true
            row.update = step.predictor(weights)
            row.draws = 1
            steps.append(row)
            previous = (step, weights, min(corrector, lowers ? count - i + 1 : corrector, done + 2))
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: remembered)
    }

    static func saSolver(
        _ configuration: SchedulerConfiguration, _ run: Run, evaluatesTwice: Bool
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run, offsets: true)
        let (least, most) = (ladder.model.sigma(left: 1 - 0.8), ladder.model.sigma(left: 1 - 0.2))
        let count = ladder.sigmas.count - 1
        let endsAtZero = ladder.isLast(count - 1)
        // With PECE two predictions a step are remembered, of which the first is superseded.
        let stride = evaluatesTwice ? 2 : 1
        var steps: [Step] = []
        var previous: (step: StochasticAdams, weights: [Double])?
        for i in ladder.range {
            let done = i - ladder.range.lowerBound
            var row = ladder.row(i)
            if let previous, evaluatesTwice || !ladder.isLast(i) {
                let order = min(4, done + 1, endsAtZero ? count - i : 4)
                let weights = previous.step.weights((0..<order).map { ladder.level(i - $0) })
                let correction = StochasticAdams.corrector(weights, predicted: previous.weights, stride: stride)
                if evaluatesTwice {
                    var first = row
                    first.update = correction
                    steps.append(first)
                } else {
                    row.correction = correction
                }
            }
            row.saves = true
            guard !ladder.isLast(i) else {
                row.update = .denoised
                steps.append(row)
                break
            }
            let next = ladder.sigmas[i + 1]
            let step = StochasticAdams(
                from: ladder.level(i), to: ladder.level(i + 1), tau: least <= next && next <= most ? 1 : 0)
            let order = min(3, done + 1, endsAtZero ? count - 1 - i : 3)
            let weights = step.weights((0..<order).map { ladder.level(i - $0) })
            row.update = step.predictor(weights)
            if evaluatesTwice {
                // Past predictions from here: this step's superseded one, then two for every earlier step.
                row.update.past = weights.dropFirst().flatMap { [0, Float($0)] }
            }
            row.draws = step.noise > 0 ? 1 : 0
            steps.append(row)
            previous = (step, weights)
        }
        return ladder.plan(steps, history: 3 * stride)
    }
}

extension NoiseModel {
    /// σ where a part of the way from no noise to the most is left, as ComfyUI counts the way: in single precision over
    /// trained levels, as those themselves are.
    func sigma(left part: Double) -> Double {
        switch self {
        case .trained(let noise, _): Double(Float(TrainingLevels.trained(noise).sigma(at: part * 999)))
        case .flow(_, let shift): FlowShift.applied(shift, to: part)
        case .preconditioned(let edm): edm.least * pow(edm.most / edm.least, part)
        }
    }
}
