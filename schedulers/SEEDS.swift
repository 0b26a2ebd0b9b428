// SEEDS-2 and SEEDS-3 (Gonzalez et al. 2023): singlestep exponential integrators of the SDE, whose parts share one noise.
// Reference: ComfyUI's `sample_seeds_2` and `sample_seeds_3`, η = 1. Two or three rows a step; the last has one.
//
// The noise of the parts before need not be stored: it is what their update added to the latents, so a row continues from
// the latents that it finds, without those of the step's start.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func seeds(
        _ configuration: SchedulerConfiguration, _ run: Run, stages: Int
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run, offsets: true)
        let steps = ladder.range.flatMap { i in
            guard !ladder.isLast(i) else {
                var step = ladder.row(i)
                step.update = .denoised
                return [step]
            }
            let (start, end) = (ladder.level(i), ladder.level(i + 1))
            let h = end.logRatio - start.logRatio
            let places = (0...stages).map { Double($0) / Double(stages) }
            let levels = places.map { place in
                place == 0
                    ? start
                    : place == 1 ? end : ladder.model.level(ladder.sigma(logRatio: start.logRatio + place * h))
            }
            // What each stage's predictions, the first first, add to the latents of the step's start.
            let weights = stageWeights(places, h).enumerated().map { index, weights in
                weights.map { -levels[index + 1].signal * $0 }
            }
            return (0..<stages).map { stage in
                let (from, to) = (levels[stage], levels[stage + 1])
                let part = (places[stage + 1] - places[stage]) * h
                let kept = to.noise / from.noise * exp(-part)
                var predictions = weights[stage]
                if stage > 0 {
                    for (k, weight) in weights[stage - 1].enumerated() { predictions[k] -= kept * weight }
                }
                var step = stage == 0 ? ladder.row(i) : ladder.row(sigma: from.noise)
                step.update = Combination(
                    latents: Float(kept), present: Float(predictions[stage]),
                    past: predictions.prefix(stage).reversed().map { Float($0) },
                    noise: Float(to.noise * (-expm1(-2 * part)).squareRoot()))
                step.draws = 1
                return step
            }
        }
        return ladder.plan(steps, history: stages - 1)
    }

    /// Of the predictions so far, as many as the stage's number, in units of the signal.
    private static func stageWeights(_ places: [Double], _ h: Double) -> [[Double]] {
        func first(_ place: Double) -> Double { expm1(-2 * place * h) }
        func second(_ place: Double) -> Double { (first(place) + 2 * place * h) / (-2 * place * h) }
        guard places.count > 3 else { return [[first(places[1])], [0, first(1)]] }
        let middle = places[2] / places[1] * second(places[2])
        let last = second(1) / places[2]
        return [[first(places[1])], [first(places[2]) - middle, middle], [first(1) - last, 0, last]]
    }
}
