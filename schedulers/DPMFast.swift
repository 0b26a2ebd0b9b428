// DPM-Solver-fast (Lu et al. 2022): steps even in ln σ, of third order as far as the calls of the model go.
// Reference: ComfyUI's `sample_dpm_fast`, which is k-diffusion's, η = 0. Its steps are calls; it ends at the schedule's
// least noise, not at 0; it draws after every step and adds nothing. The prediction is the slope.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func dpmFast(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let count = ladder.range.count
        let orders =
            count % 3 == 0
            ? [Int](repeating: 3, count: count / 3 - 1) + [2, 1] : [Int](repeating: 3, count: count / 3) + [count % 3]
        let end = ladder.range.upperBound
        let least = ladder.sigmas[ladder.isLast(end - 1) ? end - 1 : end]
        let times = Spacing.line(
            from: -log(ladder.sigmas[ladder.range.lowerBound]), to: -log(least), count: orders.count + 1)
        let steps = orders.indices.flatMap { i in
            var rows = ladder.solverFast(from: times[i], to: times[i + 1], order: orders[i])
            rows[rows.count - 1].draws = 1
            return rows
        }
        return ladder.plan(steps, history: 2)
    }
}

extension Ladder {
    /// The rows of a step in t = -ln σ.
    fileprivate func solverFast(from start: Double, to end: Double, order: Int) -> [Step] {
        let h = end - start
        func place(_ part: Double) -> Double { exp(-(start + part * h)) }
        func slopeRow(_ part: Double) -> Step {
            var row = row(sigma: place(part))
            let slope = model.slope(place(part))
            (row.skip, row.out) = (Float(slope.skip), Float(slope.out))
            return row
        }
        // What the first slope, and the difference of another to it, weigh at a part of the step.
        func first(_ part: Double) -> Double { -place(part) * expm1(part * h) }
        func second(_ part: Double) -> Double {
            let grown = part * h
            return -place(part) * (grown == 0 ? 0 : expm1(grown) / grown - 1)
        }
        var rows = [slopeRow(0)]
        rows[0].saves = true
        switch order {
        case 1: rows[0].update = Combination(latents: 1, present: Float(first(1)))
        case 2:
            rows[0].update = Combination(latents: 1, present: Float(first(0.5)))
            rows.append(slopeRow(0.5))
            rows[1].update = Combination(saved: 1, present: Float(first(1)))
        default:
            rows[0].update = Combination(latents: 1, present: Float(first(1 / 3)))
            rows.append(slopeRow(1 / 3))
            let middle = 2 * second(2 / 3)
            rows[1].update = Combination(saved: 1, present: Float(middle), past: [Float(first(2 / 3) - middle)])
            rows.append(slopeRow(2 / 3))
            let whole = 1.5 * second(1)
            rows[2].update = Combination(saved: 1, present: Float(whole), past: [0, Float(first(1) - whole)])
        }
        return rows
    }
}
