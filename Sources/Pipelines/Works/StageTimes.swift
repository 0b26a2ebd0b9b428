import Vocabulary

/// Seconds spent in each stage of a job.
struct StageTimes: Sendable {
    private(set) var seconds: [Stage: Double] = [:]

    mutating func add(_ stage: Stage, _ duration: Duration) {
        seconds[stage, default: 0] += duration.inSeconds
    }
}

extension Duration {
    /// Length in seconds.
    package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
