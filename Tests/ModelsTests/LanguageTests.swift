import Checkpoints
import Models
import Tensor
import Testing
import Vocabulary

/// Language models that answer, against transformers.
@Suite struct LanguageTests {
    @Test(arguments: ["causal-llama", "causal-mistral", "causal-qwen2", "causal-qwen3"])
    func `sixty-four greedy tokens are those of transformers, read at once or in pieces`(name: String) throws {
        let golden = try Golden(name)
        let weights = try golden.weights()
        let model = try Llama(weights, Llama.Configuration(causal: golden.config))
        try weights.requireAllTaken(ignoring: "lm_head.weight")
        let prompt = try golden.ids("ids")[0]
        let wanted = try golden.ids("written")[0]
        var cache = model.emptyCache()
        let scores = model.logits(prompt, last: prompt.count, &cache)
        #expect(try scores.error(against: golden["logits"]) < 1e-4)
        let sampling = TokenSampling()
        for split in [0, 1, prompt.count - 1] {
            var cache = model.emptyCache()
            if split > 0 { model.read(Array(prompt[..<split]), &cache) }
            var written: [Int] = []
            var next = Array(prompt[split...])
            while written.count < wanted.count {
                let scores = model.logits(next, &cache).floats
                let token = sampling.choose(scores, prompt: [], written: written) {
                    Issue.record("the best token takes no number")
                    return 0
                }
                written.append(token)
                next = [token]
            }
            #expect(written == wanted, "split at \(split)")
        }
    }

    @Test func `what is left of scores is what transformers leaves`() throws {
        let golden = try Golden("token-sampling")
        let scores = try golden["scores"]
        let context = Set(try golden.ids("context")[0])
        let cases: [(String, (inout TokenSampling) -> Void)] = [
            ("temperature", { $0.temperature = 0.7 }), ("top_k", { ($0.temperature, $0.topK) = (0.7, 7) }),
            ("top_p", { ($0.temperature, $0.topP) = (1.5, 0.8) }),
            ("min_p", { ($0.temperature, $0.minP) = (1.5, 0.15) }),
            ("typical_p", { ($0.temperature, $0.typicalP) = (1.2, 0.6) }),
            ("repetition", { ($0.temperature, $0.repetitionPenalty) = (1, 1.3) }),
            (
                "all",
                {
                    ($0.temperature, $0.repetitionPenalty, $0.topK) = (1.1, 0.8, 20)
                    ($0.topP, $0.minP, $0.typicalP) = (0.9, 0.05, 0.9)
                }
            ),
        ]
        for (name, change) in cases {
            var sampling = TokenSampling()
            change(&sampling)
            let wanted = try golden[name]
            for row in 0..<scores.rows {
                let line = Array(scores.floats[row * scores.width..<(row + 1) * scores.width])
                let kept = sampling.candidates(sampling.penalised(line, prompt: context, written: []))
                var found = [Float](repeating: -1e30, count: line.count)
                for candidate in kept { found[candidate.token] = candidate.score }
                for (token, score) in found.enumerated() {
                    let expected = wanted.floats[row * scores.width + token]
                    #expect(
                        abs(score - expected) <= 1e-5 * max(1, abs(expected)), "\(name), row \(row), token \(token)")
                }
            }
        }
    }

    @Test func `tokens are chosen as often as their probability says, and the same for the same seed`() {
        var sampling = TokenSampling()
        sampling.temperature = 1
        let scores: [Float] = [0, 1, 2, -1]
        func draws(_ seed: UInt64, _ count: Int) -> [Int] {
            var random = UniformNumbers(seed: seed)
            return (0..<count).map { _ in sampling.choose(scores, prompt: [], written: []) { random.next() } }
        }
        #expect(draws(5, 50) == draws(5, 50) && draws(5, 50) != draws(6, 50))
        let many = draws(1, 20000)
        let powers = [1.0, 2.718281828, 7.389056099, 0.367879441]
        for token in scores.indices {
            let share = Double(many.count { $0 == token }) / Double(many.count)
            #expect(abs(share - powers[token] / powers.reduce(0, +)) < 0.015)
        }
    }

    @Test func `presence counts once and frequency every time`() {
        var sampling = TokenSampling()
        (sampling.presencePenalty, sampling.frequencyPenalty) = (0.5, 0.25)
        #expect(sampling.penalised([1, 1, 1], prompt: [2], written: [0, 0, 1, 7]) == [0, 0.25, 1])
    }
}
