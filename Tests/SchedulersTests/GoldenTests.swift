import Foundation
import RandomSources
import Schedulers
import Testing

/// Whole runs, from the seed to the last latent, as diffusers makes them.
@Suite struct GoldenTests {
    @Test(arguments: Sampler.allCases) func `every run equals diffusers'`(sampler: Sampler) throws {
        let golden = try Golden.load(sampler.rawValue)
        #expect(golden.cases.count > 40)
        for run in golden.cases {
            let plan: SamplingPlan
            do {
                plan = try SamplingPlan(run.request(sampler), configuration: golden.configs[run.config])
            } catch SchedulerError.notFinite where run.finite == false {
                continue
            }
            guard let timesteps = run.timesteps, let final = run.final, let after = run.after else {
                Issue.record("\(run.testDescription): diffusers' result is not finite, ours is")
                continue
            }
            #expect(close(plan.steps.map(\.timestep), timesteps, within: 1e-5), "timesteps of \(run.testDescription)")

            var source = TorchRandomSource(seed: run.seed)
            let result = sample(plan, run: run, from: &source)
            #expect(close(result, final, within: 1e-4), "latents of \(run.testDescription): \(result) \(final)")
            #expect(close(source.normal(16).prefix(1), [after], within: 1e-6), "draws of \(run.testDescription)")
        }
    }

    private func sample(_ plan: SamplingPlan, run: Golden.Case, from source: inout TorchRandomSource) -> [Float] {
        let drawn = source.normal(16)
        let picture = (0..<16).map { Float(0.5 * sin(1 + Double($0))) }
        let start: [Float]
        if run.strength == nil {
            start = drawn.map { $0 * plan.initialNoise }
        } else {
            let level = plan.steps[0].level
            start = .weightedSum([(level.signal, picture), (level.noise, drawn)])
        }
        let path = plan.path.map {
            BrownianTree(seed: plan.pathSeed ?? run.seed, from: $0.from, to: $0.to, count: 16)
        }
        return plan.run(
            from: start, model: fixedModel,
            noise: { step in
                if let path, let interval = step.interval { return path.noise(from: interval.from, to: interval.to) }
                return source.normal(16)
            })
    }

    private func fixedModel(_ input: [Float], _ timestep: Float) -> [Float] {
        input.indices.map {
            Float(0.9 * tanh(0.7 * Double(input[$0]) + 0.3 * sin(0.01 * Double(timestep) + 0.5 * Double($0))))
        }
    }
}

extension Golden.Case {
    func request(_ sampler: Sampler) throws -> SamplingRequest {
        SamplingRequest(
            sampler: own == true ? nil : sampler, schedule: try schedule.flatMap { try SigmaSchedule.named($0) },
            steps: steps, strength: strength, eta: eta ?? 0, imageTokens: tokens,
            range: range == "trained" ? .trained : .uniform)
    }
}

/// Whether all values agree to a tolerance that is absolute below 1 and relative above.
func close<A: Collection<Float>, B: Collection<Float>>(_ a: A, _ b: B, within tolerance: Float) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
}
