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
            let plan = try SamplingPlan(run.request(sampler), configuration: golden.configs[run.config])
            let label = "\(sampler.rawValue), \(run.testDescription)"
            #expect(deviation(plan.steps.map(\.timestep), run.timesteps) < 1e-5, "timesteps of \(label)")

            var source = TorchRandomSource(seed: run.seed)
            let result = sample(plan, run: run, from: &source)
            // The last bit of torch's logarithm decides which of two levels 10⁻⁶ apart a Brownian path is asked for.
            let tolerance: Float = plan.path != nil && run.smooth != true ? 5e-3 : 1e-4
            #expect(deviation(result, run.final) < tolerance, "latents of \(label)")
            #expect(deviation(source.normal(16).prefix(1), [run.after]) < 1e-6, "number of draws of \(label)")
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
                guard let path, let interval = step.interval else { return source.normal(16) }
                guard run.smooth == true else { return path.noise(from: interval.from, to: interval.to) }
                let phase = 3 * Double(interval.from) + 5 * Double(interval.to)
                return (0..<16).map { Float(sin(phase + Double($0))) }
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

/// The largest difference, absolute below 1 and relative above; infinite where the counts differ.
func deviation<A: Collection<Float>, B: Collection<Float>>(_ a: A, _ b: B) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
}
