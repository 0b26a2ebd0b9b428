// RES, multistep of second order (Zhang et al. 2023, "Improved order analysis and design of exponential integrator"), also
// with fresh noise and with CFG++.
// Reference: ComfyUI's `res_multistep`. The first and the last step are Euler's.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func resMultistep(
        _ configuration: SchedulerConfiguration, _ run: Run, isAncestral: Bool, isPlusPlus: Bool
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        var lowered: Double?
        let steps = ladder.range.map { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            // The reference splits a flow's levels as it does all others.
            let (down, up) = isAncestral ? ancestralSplit(from: sigma, to: next) : (next, 0)
            defer { lowered = down }
            var step = ladder.row(i)
            step.remembersUnguided = isPlusPlus
            let kept = down / sigma
            var weights = [1 - kept, 0]
            let isEuler = lowered == nil || down == 0
            if let lowered, down > 0 {
                let h = log(sigma / down)
                // Where the level before lies from the one that was stepped down to.
                let distance = log(lowered / ladder.sigmas[i - 1]) / h
                let first = -expm1(-h) / h
                let second = (1 - first) / h
                // The reference takes what is undefined, with equal levels, for 0.
                let latest = first - second / distance
                let earlier = second / distance
                weights = [latest.isNaN ? 0 : h * latest, earlier.isNaN ? 0 : h * earlier]
            }
            if isPlusPlus {
                // x + D - U takes the place of x, and U that of D; in Euler's steps D + down·(x - U) / σ.
                step.update =
                    isEuler
                    ? Combination(latents: Float(kept), present: 1, unguided: Float(-kept))
                    : Combination(latents: Float(kept), present: Float(kept), unguided: Float(weights[0] - kept))
            } else {
                step.update = Combination(latents: Float(kept), present: Float(weights[0]))
            }
            step.update.past = [Float(weights[1])]
            step.update.noise = Float(up)
            step.draws = next > 0 ? 1 : 0
            return step
        }
        return ladder.plan(steps, history: 1)
    }
}
