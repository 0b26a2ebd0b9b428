// CFG++ (Chung et al. 2024): the denoised picture is the guided one, the noise it is put back with the negative branch's own.
// Reference: ComfyUI's `sample_euler_cfg_pp`, `sample_euler_ancestral_cfg_pp`, `sample_dpmpp_2s_ancestral_cfg_pp` and
// `sample_dpmpp_2m_cfg_pp`. In what follows D is the guided prediction, U the unguided one.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

extension SamplingPlan {
    static func eulerPlusPlus(
        _ configuration: SchedulerConfiguration, _ run: Run, isAncestral: Bool
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let steps = ladder.range.map { i in
            var step = ladder.row(i)
            guard !ladder.isLast(i) else {
                step.update = .denoised
                return step
            }
            // x ← signal'·D + down·(x - signal·U) / σ + noise, split over ratios of noise and signal.
            let (now, next) = (ladder.level(i), ladder.level(i + 1))
            var split = AncestralSplit(down: next.noise / next.signal, up: 0)
            if isAncestral {
                (split.down, split.up) = ancestralSplit(from: now.noise / now.signal, to: split.down)
            }
            let slope = next.signal * split.down / now.noise
            step.update = Combination(
                latents: Float(slope), present: Float(next.signal), unguided: Float(-slope * now.signal),
                noise: Float(next.signal * split.up))
            step.draws = isAncestral ? 1 : 0
            return step
        }
        return ladder.plan(steps)
    }

    static func dpmSolver2SAncestralPlusPlus(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let steps = ladder.range.flatMap { i in
            let (sigma, next) = (ladder.sigmas[i], ladder.sigmas[i + 1])
            let (down, up) = ancestralSplit(from: sigma, to: next)
            var first = ladder.row(i)
            guard down > 0 else {
                first.update = .denoised
                return [first]
            }
            let middle = (sigma * down).squareRoot()
            first.saves = true
            first.update = Combination(
                latents: Float(middle / sigma), present: 1, unguided: Float(-middle / sigma))
            var second = ladder.row(sigma: middle, next: next)
            second.update = Combination(
                saved: Float(down / sigma), present: Float(1 - down / sigma), unguided: Float(-down / sigma),
                past: [Float(down / sigma)], noise: Float(up))
            second.draws = 1
            return [first, second]
        }
        return ladder.plan(steps, history: 1)
    }

    static func dpmSolver2MPlusPlus(
        _ configuration: SchedulerConfiguration, _ run: Run
    ) throws(SchedulerError) -> SamplingPlan {
        let ladder = try Ladder(configuration, run)
        let steps = ladder.range.map { i in
            var step = ladder.row(i)
            step.remembersUnguided = true
            let kept = ladder.sigmas[i + 1] / ladder.sigmas[i]
            step.update = Combination(latents: Float(kept), present: 1, unguided: Float(-kept))
            if i > ladder.range.lowerBound, !ladder.isLast(i) {
                let ratio = log(ladder.sigmas[i - 1] / ladder.sigmas[i]) / -log(kept)
                let weight = (1 - kept) / (2 * ratio)
                step.update.present += Float(weight)
                step.update.past = [Float(-weight)]
            }
            return step
        }
        return ladder.plan(steps, history: 1)
    }
}
