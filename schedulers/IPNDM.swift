// Improved pseudo numerical methods: linear multistep of up to four terms that starts with one, two and three.
//
// `ipndm`            ComfyUI's `sample_ipndm`: Adams–Bashforth in σ as if the steps were equal.
// `ipndm_v`          ComfyUI's `sample_ipndm_v`: with weights for unequal steps, approximately.
// `ipndm_diffusers`  diffusers IPNDMScheduler, for models that are told an angle from 1 down to 0.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func ipndm(
        _ configuration: SchedulerConfiguration, _ run: Run, isVariable: Bool
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let steps = ladder.range.map { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            var step = ladder.slopeRow(i)
            guard !ladder.isLast(i) else {
                step.update = ladder.denoised(i)
                return step
            }
            let order = min(4, i - ladder.range.lowerBound + 1)
            var weights = adamsBashforth[order - 1]
            if isVariable { weights = variableWeights((0...order).map { ladder.sigmas[i + 1 - $0] }) }
            step.update = Combination(
                latents: 1, present: Float((next - sigma) * weights[0]),
                past: weights.dropFirst().map { Float((next - sigma) * $0) })
            return step
        }
        return ladder.plan(steps, history: 3)
    }

    /// Weights for unequal steps; `sigmas` holds the level stepped to, the present one and the earlier ones.
    private static func variableWeights(_ sigmas: [Double]) -> [Double] {
        let h = zip(sigmas, sigmas.dropFirst()).map { $0 - $1 }
        guard h.count > 1 else { return [1] }
        let ratio = h[0] / h[1]
        var weights = [(2 + ratio) / 2, -ratio / 2]
        guard h.count > 2 else { return weights }
        let sum = h[0] + h[1]
        let third = (1 - h[0] / (3 * sum) * (h[0] * sum) / (h[1] * (h[1] + h[2]))) / 2
        let r12 = h[1] / h[2]
        weights[0] += third
        weights[1] -= (1 + r12) * third
        weights.append(third * r12)
        guard h.count > 3 else { return weights }
        let fourth =
            ((1 - h[0] / (3 * sum)) / 2 + (1 - h[0] / (2 * sum)) * h[0] / (6 * (sum + h[2])))
            * (h[0] * sum * (sum + h[2])) / (h[1] * (h[1] + h[2]) * (h[1] + h[2] + h[3]))
        let cross = h[1] * (h[1] + h[2]) / (h[2] * (h[2] + h[3]))
        weights[0] += fourth
        weights[1] -= (1 + r12 + cross) * fourth
        weights[2] += (r12 + cross * (1 + h[2] / h[3])) * fourth
        weights.append(-fourth * cross * r12)
        return weights
    }

    static func ipndmDiffusers(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        // x = signal·x₀ + noise·ε with noise = sin²(π/2·u), signal = √(1 - noise²); the model is told 2/π·atan2.
        let levels = (0...run.steps).map { i in
            let sine = sin((1 - Double(i) / Double(run.steps)) * .pi / 2)
            let noise = Double(Float(sine * sine))
            return Level(signal: (1 - noise * noise).squareRoot(), noise: noise)
        }
        let range = run.kept(of: run.steps)
        let steps = range.map { i in
            let (now, next) = (levels[i], levels[i + 1])
            // What a multistep mean of ε weighs: next.signal·(x - noise·ε) / signal + next.noise·ε.
            let scale = next.signal / max(now.signal, 1e-8)
            let weight = next.noise - scale * now.noise
            let weights = adamsBashforth[min(4, i - range.lowerBound + 1) - 1].map { weight * $0 }
            // The present ε is written out: at the first level it cancels against the latents' huge weight.
            return Step(
                timestep: Float(2 / Double.pi * atan2(now.noise, now.signal)), skip: Float(now.noise),
                out: Float(now.signal),
                update: Combination(
                    latents: Float(scale + weights[0] * now.noise), output: Float(weights[0] * now.signal),
                    past: weights.dropFirst().map { Float($0) }),
                preview: Step.Preview(
                    skip: Float((1 - now.noise * now.noise) / max(now.signal, 1e-8)), out: Float(-now.noise)),
                level: now.entry)
        }
        return SamplingPlan(steps: steps, initialNoise: 1, history: 3)
    }
}

/// Adams–Bashforth weights of order 1 to 4 for equal steps, the present slope first.
let adamsBashforth: [[Double]] = [
    [1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24],
]
