// Heun++ (2): up to three slopes, weighed by their levels' share of the first level.
// Reference: ComfyUI's `sample_heunpp2`. Three rows a step; the last step but one has two and the last one. The prediction
// is the slope.

extension SamplingPlan {
    static func heunPlusPlus(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let count = ladder.sigmas.count - 1
        let largest = ladder.sigmas[ladder.range.lowerBound]
        let steps = ladder.range.flatMap { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            let change = next - sigma
            var first = ladder.slopeRow(i)
            first.update = Combination(latents: 1, present: Float(change))
            guard i + 1 < count else { return [first] }
            first.saves = true
            var second = ladder.slopeRow(i + 1)
            guard i + 2 < count else {
                let share = next / (2 * largest)
                second.update = Combination(
                    saved: 1, present: Float(change * share), past: [Float(change * (1 - share))])
                return [first, second]
            }
            let after = ladder.sigmas[i + 2]
            second.update = Combination(latents: 1, present: Float(after - next))
            var third = ladder.slopeRow(i + 2)
            let shares = [next / (3 * largest), after / (3 * largest)]
            third.update = Combination(
                saved: 1, present: Float(change * shares[1]),
                past: [Float(change * shares[0]), Float(change * (1 - shares[0] - shares[1]))])
            return [first, second, third]
        }
        return ladder.plan(steps, history: 2)
    }
}
