// UniPC (Zhao et al. 2023): a predictor, and a corrector that reuses the next call's output, so a step costs one call.
// Reference: diffusers UniPCMultistepScheduler, B(h) variants bh1 and bh2.
//
// Row i corrects the latents that row i - 1 predicted, keeps them, and predicts the next:
//
//     x ← scale·saved + Σ weights·predictions (the present one included)     corrector
//     saved ← x
//     x ← scale·x + Σ weights·predictions                                    predictor

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func uniPC(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        switch configuration.values["solver_p"] {
        case nil, .null?: break
        default: throw .unsupported(key: "solver_p", value: "a scheduler", sampler: run.sampler)
        }
        let method = try UnifiedMethod(configuration, sampler: run.sampler)
        let objective = try configuration.objective()
        let uncorrected = Set(try configuration.numbers("disable_corrector") ?? [])
        let limit = try configuration.limit(clips: nil)
        if method.predictsNoise { try configuration.refuseThresholding(for: run.sampler) }
        let levels = try MultistepLevels(configuration, run: run, rules: .uniPC)
        let count = levels.timesteps.count
        let lowerFinal = try configuration.flag("lower_order_final", default: true)
        var steps: [Step] = []
        var previousOrder = 0
        for i in levels.range {
            let level = levels.levels[i]
            let order = min(method.order, lowerFinal ? count - i : method.order, i - levels.range.lowerBound + 1)
            var step = levels.row(i, objective, predictsNoise: method.predictsNoise, limit: limit)
            step.saves = true
            step.update = method.predictor(to: levels.levels[i + 1], from: (0..<order).map { levels.levels[i - $0] })
            if i > levels.range.lowerBound, !uncorrected.contains(Double(i - 1)) {
                step.correction = method.corrector(
                    to: level, from: (0..<previousOrder).map { levels.levels[i - 1 - $0] })
            }
            steps.append(step)
            previousOrder = order
        }
        return SamplingPlan(steps: steps, initialNoise: levels.initialNoise, history: method.order)
    }
}

private struct UnifiedMethod {
    let order: Int
    let predictsNoise, isFirstVariant: Bool

    init(_ configuration: SchedulerConfiguration, sampler: Sampler) throws(SchedulerError) {
        let type = try configuration.text("solver_type", default: "bh2")
        guard ["bh1", "bh2", "midpoint", "heun", "logrho"].contains(type) else {
            throw .unsupported(key: "solver_type", value: type, sampler: sampler)
        }
        order = try configuration.integer("solver_order", default: 2)
        guard (1...3).contains(order) else {
            throw .unsupported(key: "solver_order", value: "\(order)", sampler: sampler)
        }
        predictsNoise = try !configuration.flag("predict_x0", default: true)
        isFirstVariant = type == "bh1"
    }

    /// `from` holds the present level and earlier ones, the latest first, as many as the order.
    func predictor(to next: Level, from: [Level]) -> Combination {
        let basis = Basis(self, to: next, from: from)
        // The order-2 system has the solution ½ up to higher order, which the paper takes.
        let rhos = from.count == 2 ? [0.5] : solve(basis.matrix(from.count - 1), basis.moments(from.count - 1))
        let differences = zip(rhos, basis.ratios).map { basis.weight * $0 / $1 }
        return Combination(
            latents: Float(basis.scale), present: Float(basis.zeroth - differences.reduce(0, +)),
            past: differences.map { Float($0) })
    }

    /// `from` starts at the level before `next`; the present prediction was made at `next`.
    func corrector(to next: Level, from: [Level]) -> Combination {
        let basis = Basis(self, to: next, from: from)
        let rhos = from.count == 1 ? [0.5] : solve(basis.matrix(from.count), basis.moments(from.count))
        let differences = zip(rhos, basis.ratios).map { basis.weight * $0 / $1 }
        let newest = basis.weight * rhos[rhos.count - 1]
        return Combination(
            saved: Float(basis.scale), present: Float(newest),
            past: [Float(basis.zeroth - differences.reduce(0, +) - newest)] + differences.map { Float($0) })
    }

    /// What both share: eq. 9 to 12 of the paper.
    private struct Basis {
        let scale, zeroth, weight: Double
        /// (λ_k - λ₀) / h of the earlier levels.
        let ratios: [Double]
        private let exponent, b: Double

        init(_ method: UnifiedMethod, to next: Level, from: [Level]) {
            let now = from[0]
            let h = next.logRatio - now.logRatio
            exponent = method.predictsNoise ? h : -h
            b = method.isFirstVariant ? exponent : expm1(exponent)
            let factor = method.predictsNoise ? -next.noise : -next.signal
            scale = method.predictsNoise ? next.signal / now.signal : next.noise / now.noise
            zeroth = factor * expm1(exponent)
            weight = factor * b
            ratios = from.dropFirst().map { ($0.logRatio - now.logRatio) / h }
        }

        /// Vandermonde rows over the ratios and 1.
        func matrix(_ size: Int) -> [[Double]] {
            (0..<size).map { power in (ratios + [1]).prefix(size).map { pow($0, Double(power)) } }
        }

        func moments(_ size: Int) -> [Double] {
            var phi = expm1(exponent) / exponent - 1
            var factorial = 1.0
            return (0..<size).map { i in
                defer {
                    factorial *= Double(i + 2)
                    phi = phi / exponent - 1 / factorial
                }
                return phi * factorial / b
            }
        }
    }
}

/// Gaussian elimination with pivoting, for systems of up to three unknowns.
private func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(matrix, right).map { $0 + [$1] }
    let size = rows.count
    for column in 0..<size {
        let pivot = (column..<size).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
        rows.swapAt(column, pivot)
        for row in 0..<size where row != column {
            let factor = rows[row][column] / rows[column][column]
            for k in column...size { rows[row][k] -= factor * rows[column][k] }
        }
    }
    return (0..<size).map { rows[$0][size] / rows[$0][$0] }
}
