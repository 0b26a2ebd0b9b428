// One timed piece of work, in the form in which peers' scripts print theirs.

import Tensor

package struct Measurement: Codable, Sendable {
    package var name: String
    /// Median wall time of one run.
    package var seconds: Double
    /// Arithmetic rate, where the work is counted in multiply–adds (two operations each).
    package var gflops: Double?
    /// `gflops` in percent of the measured peak of a register-only loop on as many threads.
    package var percentOfPeak: Double?
    /// Tokens a second, for language models.
    package var tokensPerSecond: Double?
    /// Largest resident memory of the process so far.
    package var peakGiB: Double

    private enum CodingKeys: String, CodingKey {
        case name, seconds, gflops
        case percentOfPeak = "percent_of_peak"
        case tokensPerSecond = "tokens_per_second"
        case peakGiB = "rss_gib"
    }

    /// Runs `work` once to warm up and then `repeats` times; the median counts.
    package init(
        _ name: String, gigaOperations: Double? = nil, peak: Double? = nil, tokens: Int? = nil, repeats: Int = 5,
        _ work: () throws -> Void
    ) rethrows {
        try work()
        var times: [Double] = []
        let clock = ContinuousClock()
        for _ in 0..<repeats {
            let time = try clock.measure(work)
            times.append(Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18)
        }
        self.name = name
        seconds = times.sorted()[times.count / 2]
        gflops = gigaOperations.map { [seconds] in $0 / seconds }
        percentOfPeak = gflops.flatMap { rate in peak.map { 100 * rate / $0 } }
        tokensPerSecond = tokens.map { [seconds] in Double($0) / seconds }
        peakGiB = Double(residentPeakBytes()) / 1_073_741_824
    }
}
