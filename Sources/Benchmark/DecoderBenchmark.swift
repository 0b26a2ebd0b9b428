import Checkpoints
import Models
package import Tensor

/// A language model in a GGUF file: reading a prompt and writing an answer, in tokens a second.
package struct DecoderBenchmark {
    private let decoder: Llama
    private let vocabulary: Int

    /// Opens a GGUF of architecture llama; `vocabulary` is read from its token list.
    package init(_ path: String, _ precision: Precision) throws {
        let gguf = try GGUF(MappedFile(path: path))
        vocabulary = try gguf.strings("tokenizer.ggml.tokens")?.count ?? 0
        decoder = try Llama(
            Weights(CheckpointStore(gguf), precision),
            Llama.Configuration(gguf: gguf.config, vocabulary: vocabulary))
    }

    /// A prompt of 512 tokens, then 64 greedy tokens after it.
    package func run(_ report: (Measurement) -> Void) {
        let prompt = (0..<512).map { (100 + $0 * 7) % max(1, vocabulary) }
        report(
            Measurement("decoder prompt 512 tokens", tokens: prompt.count) {
                var cache = decoder.emptyCache()
                _ = decoder.logits(prompt, &cache)
            })
        var filled = decoder.emptyCache()
        _ = decoder.logits(prompt, &filled)
        report(
            Measurement("decoder 64 tokens", tokens: 64) {
                var cache = filled
                var token = 100
                for _ in 0..<64 {
                    let scores = decoder.logits([token], &cache).floats
                    token = scores.indices.max { scores[$0] < scores[$1] } ?? 0
                }
            })
    }
}
