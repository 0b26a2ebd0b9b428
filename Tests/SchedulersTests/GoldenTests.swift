import Foundation
import RandomSources
import Schedulers
import Testing

/// Whole runs, from the seed to the last latent, as the references make them.
@Suite struct GoldenTests {
    @Test(arguments: Golden.names) func `every run equals the reference's`(name: String) throws {
        let golden = try Golden.load(name)
        let sampler = try #require(Sampler(rawValue: golden.sampler))
        #expect(golden.cases.count > (sampler == .ipndmDiffusers ? 6 : 40))
        for run in golden.cases {
            let plan = try SamplingPlan(run.request(sampler), configuration: golden.configs[run.config])
            let label = "\(name), \(run.testDescription), \(golden.configs[run.config].className ?? "")"
            #expect(deviation(plan.steps.map(\.timestep), run.timesteps) < 1e-4, "timesteps of \(label)")
            let (result, after) = run.replay(plan)
            let difference = deviation(result, run.final)
            #expect(difference < run.tolerance(plan), "latents of \(label): \(difference)")
            #expect(deviation([after], [run.after]) < 1e-6, "number of draws of \(label)")
        }
    }

    @Test func `every sampler is held by runs of a reference`() throws {
        let held = try Set(Golden.names.map { try Golden.load($0).sampler })
        #expect(held == Set(Sampler.allCases.map(\.rawValue)))
    }

    @Test func `every schedule is held by runs of its owner`() throws {
        var held: [SigmaSchedule.Owner: Set<SigmaSchedule>] = [:]
        for golden in try Golden.names.map(Golden.load) {
            let owner = try #require(SigmaSchedule.Owner(rawValue: golden.reference))
            for run in golden.cases {
                if let schedule = try run.schedule.flatMap(SigmaSchedule.named) {
                    held[owner, default: []].insert(schedule)
                }
            }
        }
        for schedule in SigmaSchedule.allCases {
            #expect(held[schedule.owner]?.contains(schedule) == true, "\(schedule)")
        }
    }
}

extension Golden.Case {
    func request(_ sampler: Sampler) throws -> SamplingRequest {
        SamplingRequest(
            sampler: own == true ? nil : sampler, schedule: try schedule.flatMap { try SigmaSchedule.named($0) },
            steps: steps, strength: strength, eta: eta ?? 0, imageTokens: tokens,
            range: range == "trained" ? .trained : .uniform, aligned: aligned.flatMap(AlignedModel.init(rawValue:)))
    }

    /// A Brownian path tells levels 10⁻⁶ apart, and the last bits of torch's logarithms and powers decide which it is asked
    /// for.
    func tolerance(_ plan: SamplingPlan) -> Float { plan.path != nil && smooth != true ? 3e-2 : 1e-4 }

    /// The last latents, and the generator's next number.
    func replay(_ plan: SamplingPlan) -> (latents: [Float], after: Float) {
        var source = TorchRandomSource(seed: seed)
        let drawn = source.normal(16)
        let picture = (0..<16).map { Float(0.5 * sin(1 + Double($0))) }
        let start: [Float]
        if strength == nil {
            start = drawn.map { $0 * plan.initialNoise }
        } else {
            let level = plan.steps[0].level
            start = .weightedSum([(level.signal, picture), (level.noise, drawn)])
        }
        let path = plan.path.map {
            BrownianTree(seed: plan.pathSeed ?? seed, from: $0.from, to: $0.to, count: 16)
        }
        let result = plan.run(
            from: start, model: { guided($0, $1) },
            negative: guidance == nil ? nil : { fixedModel($0, $1, shift: -0.4) },
            noise: { step in
                guard let path, let interval = step.interval else { return source.normal(16) }
                guard smooth == true else { return path.noise(from: interval.from, to: interval.to) }
                let (from, to) = (Double(interval.from), Double(interval.to))
                let phase = 3 * from / (1 + from) + 5 * to / (1 + to)
                return (0..<16).map { Float(sin(phase + Double($0))) }
            })
        return (result, source.normal(16)[0])
    }

    private func guided(_ input: [Float], _ timestep: Float) -> [Float] {
        let positive = fixedModel(input, timestep)
        guard let guidance else { return positive }
        let negative = fixedModel(input, timestep, shift: -0.4)
        return .weightedSum([(Float(guidance), positive), (Float(1 - guidance), negative)])
    }

    private func fixedModel(_ input: [Float], _ timestep: Float, shift: Double = 0) -> [Float] {
        input.indices.map {
            Float(0.9 * tanh(0.7 * Double(input[$0]) + 0.3 * sin(0.01 * Double(timestep) + 0.5 * Double($0)) + shift))
        }
    }
}

/// The largest difference, absolute below 1 and relative above; infinite where the counts differ.
func deviation<A: Collection<Float>, B: Collection<Float>>(_ a: A, _ b: B) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
}
