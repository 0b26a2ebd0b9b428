// Pseudo numerical methods (Liu et al. 2022): linear multistep with four terms (PLMS), started either by a repeated
// second step or, without `skip_prk_steps`, by three pseudo Runge–Kutta steps of four calls each.
// Reference: diffusers PNDMScheduler. The prediction is the model's output as it is; the weights reach past rows that
// the method does not remember (the repeated step, the inner Runge–Kutta calls) by their distance.

extension SamplingPlan {
    static func pndm(_ configuration: SchedulerConfiguration, _ run: Run) throws(SchedulerError) -> SamplingPlan {
        let objective = try configuration.objective()
        let noise = try TrainingNoise(configuration, sampler: run.sampler)
        let method = PseudoNumericalMethod(
            noise: noise, objective: objective, stride: noise.total / run.steps,
            final: try configuration.flag("set_alpha_to_one", default: false) ? 1 : try noise.product(0))
        let ascending = try Spacing(configuration, default: .leading).timesteps(
            steps: run.steps, total: noise.total, offset: try configuration.integer("steps_offset", default: 0)
        ).map { Int($0.rounded(.toNearestOrEven)) }.reversed()

        var steps: [Step] = []
        if try configuration.flag("skip_prk_steps", default: false) {
            var timesteps = Array(ascending)
            if timesteps.count > 1 { timesteps.insert(timesteps[timesteps.count - 2], at: timesteps.count - 1) }
            for (counter, timestep) in timesteps.reversed().dropFirst(run.begin).enumerated() {
                steps.append(try method.multistep(timestep, counter: counter))
            }
        } else {
            guard run.steps >= 4 else {
                throw .stepsOutOfRange(run.steps, allowed: 4...max(4, noise.total), sampler: run.sampler)
            }
            let half = method.stride / 2
            let doubled = ascending.suffix(4).flatMap { [$0, $0 + half] }.dropLast().flatMap { [$0, $0] }
            let start = Array(doubled.dropFirst().dropLast().reversed())
            let timesteps = start + ascending.dropLast(3).reversed()
            for (counter, timestep) in timesteps.dropFirst(run.begin).enumerated() {
                steps.append(
                    counter < start.count
                        ? try method.rungeKutta(timestep, counter: counter, from: start[counter / 4 * 4])
                        : try method.multistep(timestep, counter: counter, rungeKuttaRows: start.count))
            }
        }
        return SamplingPlan(steps: steps, initialNoise: 1, history: steps.map(\.update.past.count).max() ?? 0)
    }
}

private struct PseudoNumericalMethod {
    let noise: TrainingNoise
    let objective: Objective
    /// Timesteps per step.
    let stride: Int
    /// ᾱ below timestep 0.
    let final: Double

    /// A row of the multistep phase; `counter` counts rows from the start of the run.
    func multistep(_ timestep: Int, counter: Int, rungeKuttaRows: Int = 0) throws(SchedulerError) -> Step {
        if rungeKuttaRows > 0 {
            // Of each Runge–Kutta step only its first output is remembered: 4, 8 and 12 rows before the first row here.
            let done = counter - rungeKuttaRows
            let distances = (1...3).map { $0 <= done ? $0 : done + 4 * ($0 - done) }
            var past = [Double](repeating: 0, count: distances[2])
            for (distance, weight) in zip(distances, adamsBashforth[3].dropFirst()) { past[distance - 1] = weight }
            return try row(timestep, from: timestep, to: timestep - stride, present: adamsBashforth[3][0], past: past)
        }
        switch counter {
        case 0:
            var step = try row(timestep, from: timestep, to: timestep - stride, present: 1)
            step.saves = true
            return step
        case 1:
            // The second call repeats the first step with the mean of both outputs.
            return try row(timestep, from: timestep + stride, to: timestep, present: 0.5, past: [0.5], restarts: true)
        default:
            // Outputs 0, 2, 3, … are remembered: the first lies one row further back.
            let weights = adamsBashforth[min(counter - 1, 3)]
            var past = Array(weights.dropFirst())
            if past.count == counter - 1 { past.insert(0, at: past.count - 1) }
            return try row(timestep, from: timestep, to: timestep - stride, present: weights[0], past: past)
        }
    }

    /// A row of the start: calls 0 to 3 of a Runge–Kutta step that begins at timestep `from`.
    func rungeKutta(_ timestep: Int, counter: Int, from: Int) throws(SchedulerError) -> Step {
        let to = counter % 2 == 1 ? timestep : timestep - stride / 2
        if counter % 4 == 0 {
            var step = try row(timestep, from: from, to: to, present: 1)
            step.saves = true
            return step
        }
        if counter % 4 < 3 { return try row(timestep, from: from, to: to, present: 1, restarts: true) }
        return try row(
            timestep, from: from, to: to, present: 1 / 6, past: [1 / 3, 1 / 3, 1 / 6], restarts: true)
    }

    /// Eq. 9 (transfer) of the paper, between two timesteps, with a mean of outputs; `restarts` steps from the saved latents.
    private func row(
        _ timestep: Int, from: Int, to: Int, present: Double, past: [Double] = [], restarts: Bool = false
    ) throws(SchedulerError) -> Step {
        let product = try noise.product(from)
        let next = to >= 0 ? try noise.product(to) : final
        let level = Level.preserving(product)
        let slope =
            -(next - product)
            / (product * (1 - next).squareRoot() + (product * (1 - product) * next).squareRoot())
        // ε from the mean of outputs and the latents that are stepped from.
        let epsilon = level.epsilon(objective)
        let latents = Float((next / product).squareRoot() + slope * epsilon.skip)
        let entry = Level.preserving(try noise.product(timestep))
        return Step(
            timestep: Float(timestep), skip: 0, out: 1,
            update: Combination(
                latents: restarts ? 0 : latents, saved: restarts ? latents : 0,
                present: Float(slope * epsilon.out * present), past: past.map { Float(slope * epsilon.out * $0) }),
            preview: Step.Preview(entry.denoised(objective)), level: entry.entry)
    }
}
