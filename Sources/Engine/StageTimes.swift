import API

/// Seconds spent in each stage of a job.
struct StageTimes {
    private(set) var seconds: [Stage: Double] = [:]

    mutating func add(_ stage: Stage, _ duration: Duration) {
        seconds[stage, default: 0] += duration.inSeconds
    }

    mutating func measure<Result>(_ stage: Stage, _ work: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer { add(stage, ContinuousClock.now - start) }
        return try work()
    }
}

extension Duration {
    /// Length in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
