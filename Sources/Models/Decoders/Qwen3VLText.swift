// The decoder of Qwen3-VL, for texts.
//
// Paper    Qwen3-VL, https://arxiv.org/abs/2511.21631
// Weights  transformers `Qwen3VLForConditionalGeneration`, keys below `model.language_model`
// Golden   Tests/Goldens/models/qwen3-vl-text
//
// A Llama with an RMSNorm on every head's queries and keys. Its rotations take three positions (time, height, width) in
// interleaved sections; the three are equal for text, where they reduce to the ordinary rotation.

package import Checkpoints

extension Llama.Configuration {
    /// `config.json` of a `Qwen3VLForConditionalGeneration`, or its `text_config`.
    package init(qwen3VL json: ConfigObject) throws(ConfigError) {
        let text = try json.optionalObject("text_config") ?? json
        try self.init(
            text,
            Defaults(
                hidden: 22016, keyHeads: 32, headSize: 128, vocabulary: 151936, base: 500_000, normalisesQueries: true))
    }
}
