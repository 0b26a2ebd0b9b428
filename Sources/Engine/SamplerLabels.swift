import Schedulers

/// Names of samplers and schedules as AUTOMATIC1111's clients know them, and our own where it has none.
package enum SamplerLabels {
    package static var samplers: [String] { Sampler.allCases.map { $0.label ?? $0.rawValue } }
    package static var schedules: [String] { SigmaSchedule.allCases.map { $0.label ?? $0.rawValue } }
}
