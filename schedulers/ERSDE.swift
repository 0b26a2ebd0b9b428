// ER-SDE (Cui et al. 2023), the solver of third order for the SDE whose noise scale is φ(x) = x·(e^{x^0.3} + 10) over
// ρ = noise / signal.
// Reference: ComfyUI's `sample_er_sde`, which takes its integrals as sums over 200 points.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func erSDE(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run, offsets: true)
        func scale(_ ratio: Double) -> Double { ratio * (exp(pow(ratio, 0.3)) + 10) }
        func ratio(_ step: Int) -> Double { ladder.level(step).noise / ladder.level(step).signal }
        let steps = ladder.range.map { i in
            var step = ladder.row(i)
            guard !ladder.isLast(i) else {
                step.update = .denoised
                return step
            }
            let signal = ladder.level(i + 1).signal
            let (from, to) = (ratio(i), ratio(i + 1))
            let kept = scale(to) / scale(from)
            var weights = [1 - kept, 0, 0]
            let order = min(3, i - ladder.range.lowerBound + 1)
            if order > 1 {
                let points = 200
                let width = (from - to) / Double(points)
                let places = (0..<points).map { to + Double($0) * width }
                let integral = places.reduce(0) { $0 + width / scale($1) }
                // The first derivative in ρ, from the last two predictions.
                let first = (to - from + integral * scale(to)) / (from - ratio(i - 1))
                weights[0] += first
                weights[1] -= first
                if order > 2 {
                    let weighted = places.reduce(0) { $0 + width * ($1 - from) / scale($1) }
                    let second =
                        ((to - from) * (to - from) / 2 + weighted * scale(to)) / ((from - ratio(i - 2)) / 2)
                    let (latest, earlier) = (
                        second / (from - ratio(i - 1)), second / (ratio(i - 1) - ratio(i - 2))
                    )
                    weights[0] += latest
                    weights[1] -= latest + earlier
                    weights[2] += earlier
                }
            }
            let variance = to * to - from * from * kept * kept
            step.update = Combination(
                latents: Float(signal / ladder.level(i).signal * kept), present: Float(signal * weights[0]),
                past: [Float(signal * weights[1]), Float(signal * weights[2])],
                noise: variance > 0 ? Float(signal * variance.squareRoot()) : 0)
            step.draws = 1
            return step
        }
        return ladder.plan(steps, history: 2)
    }
}
