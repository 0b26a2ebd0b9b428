// Which token comes next, from the scores of all.
//
// Reference   transformers `RepetitionPenaltyLogitsProcessor`, `TemperatureLogitsWarper`, `TopKLogitsWarper`,
//             `TopPLogitsWarper`, `MinPLogitsWarper`, `TypicalLogitsWarper`, in its order; presence and frequency as OpenAI
//             defines them
// Golden      Tests/Goldens/models/token-sampling*

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// How a token is chosen. With everything left out it is the one with the highest score.
package struct TokenSampling: Sendable, Equatable {
    /// 0: the best token, always.
    package var temperature = 0.0
    /// The best so many tokens are candidates.
    package var topK: Int?
    /// The fewest best tokens whose probabilities reach this are candidates.
    package var topP: Double?
    /// Candidates have at least this share of the best token's probability.
    package var minP: Double?
    /// The fewest tokens nearest to the expected information whose probabilities reach this are candidates.
    package var typicalP: Double?
    /// Divides positive scores of tokens that were read or written, multiplies negative ones.
    package var repetitionPenalty = 1.0
    /// Taken from the scores of tokens that were written; the second once for each time.
    package var presencePenalty = 0.0
    package var frequencyPenalty = 0.0

    package init() {}

    /// The next token after `prompt` and `written`; `random` is asked for one number in 0 ..< 1 unless the temperature is 0.
    package func choose(
        _ scores: [Float], prompt: Set<Int>, written: [Int], random: () -> Double
    ) -> Int {
        let scores = penalised(scores, prompt: prompt, written: written)
        guard temperature > 0 else { return Self.best(scores) }
        let kept = candidates(scores)
        let weights = Self.probabilities(kept.map(\.score))
        var rest = random()
        for (candidate, weight) in zip(kept, weights) {
            rest -= weight
            if rest < 0 { return candidate.token }
        }
        return kept.last?.token ?? Self.best(scores)
    }

    /// Of equal scores the first.
    private static func best(_ scores: [Float]) -> Int {
        var best = 0
        for index in scores.indices where scores[index] > scores[best] { best = index }
        return best
    }

    /// The scores with all penalties.
    package func penalised(_ scores: [Float], prompt: Set<Int>, written: [Int]) -> [Float] {
        var scores = scores
        if repetitionPenalty != 1 {
            let factor = Float(repetitionPenalty)
            for token in prompt.union(written) where scores.indices.contains(token) {
                scores[token] = scores[token] < 0 ? scores[token] * factor : scores[token] / factor
            }
        }
        if presencePenalty != 0 || frequencyPenalty != 0 {
            for (token, count) in Dictionary(written.map { ($0, 1) }, uniquingKeysWith: +)
            where scores.indices.contains(token) {
                scores[token] -= Float(presencePenalty + frequencyPenalty * Double(count))
            }
        }
        return scores
    }

    /// A token that may be chosen, with its score at the temperature.
    package struct Candidate: Sendable, Equatable {
        package var token: Int
        package var score: Float
    }

    /// The tokens that are left, the best first.
    package func candidates(_ scores: [Float]) -> [Candidate] {
        var kept = scores.enumerated().map { Candidate(token: $0.offset, score: $0.element / Float(temperature)) }
        kept.sort { $0.score > $1.score || $0.score == $1.score && $0.token < $1.token }
        if let topK, topK < kept.count {
            let least = kept[max(0, topK - 1)].score
            kept = Array(kept.prefix { $0.score >= least })
        }
        if let topP, topP < 1 {
            // Taken from the unlikely end, as the reference does: what stays is never less than one.
            var sum = 0.0
            let weights = Self.probabilities(kept.map(\.score))
            var count = kept.count
            while count > 1, sum + weights[count - 1] <= 1 - topP {
                sum += weights[count - 1]
                count -= 1
            }
            kept = Array(kept.prefix(count))
        }
        if let minP, minP > 0 {
            let weights = Self.probabilities(kept.map(\.score))
            let least = minP * (weights.first ?? 0)
            kept = zip(kept, weights).filter { $0.1 >= least }.map(\.0)
        }
        if let typicalP, typicalP < 1 { kept = Self.typical(kept, typicalP) }
        return kept
    }

    /// Locally typical sampling (Meister et al. 2022).
    private static func typical(_ candidates: [Candidate], _ mass: Double) -> [Candidate] {
        let weights = probabilities(candidates.map(\.score))
        let surprise = weights.map { $0 > 0 ? -log($0) : .infinity }
        let entropy = zip(weights, surprise).reduce(0) { $1.0 > 0 ? $0 + $1.0 * $1.1 : $0 }
        let distance = surprise.map { abs($0 - entropy) }
        let order = candidates.indices.sorted { distance[$0] < distance[$1] }
        var sum = 0.0
        var last = 0
        for index in order {
            sum += weights[index]
            guard sum < mass else { break }
            last += 1
        }
        let most = distance[order[min(last, order.count - 1)]]
        return candidates.indices.filter { distance[$0] <= most }.map { candidates[$0] }
    }

    /// Softmax in double precision; `scores` fall.
    private static func probabilities(_ scores: [Float]) -> [Double] {
        let top = scores.first ?? 0
        let powers = scores.map { exp(Double($0 - top)) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}

/// Numbers in 0 ..< 1 from a seed.
///
/// Source   Steele et al. 2014, "Fast splittable pseudorandom number generators"
package struct UniformNumbers: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return Double(z >> 11) * 0x1p-53
    }
}
