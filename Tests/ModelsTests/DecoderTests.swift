import Checkpoints
import Models
import Tensor
import Testing
import Vocabulary

@Suite struct DecoderTests {
    static func configuration(_ name: String, _ json: ConfigObject) throws -> Llama.Configuration {
        name.hasPrefix("qwen") ? try .init(qwen3VL: json) : try .init(json)
    }

    @Test(arguments: goldens("llama", "qwen3-vl-text"))
    func `a decoder agrees with transformers`(name: String) throws {
        let golden = try Golden(name)
        let weights = try golden.weights()
        let model = try Llama(weights, Self.configuration(name, golden.config))
        #expect(weights.unused.allSatisfy { $0.contains("visual") })
        let ids = try golden.ids("ids")[0]
        let depth = model.configuration.depth
        for index in 0...depth {
            let hidden = model.hidden(ids, at: .hiddenState(index))
            #expect(try hidden.error(against: golden["hidden.\(index)"]) < 1e-5, "hidden state \(index)")
        }
        #expect(try model.hidden(ids, at: .residual(depth)).error(against: golden["residual"]) < 1e-5)
        var cache = model.emptyCache()
        #expect(try model.logits(ids, last: ids.count, &cache).error(against: golden["logits"]) < 1e-5)
    }

    @Test(arguments: goldens("llama", "qwen3-vl-text"))
    func `reading in pieces gives what reading at once gives`(name: String) throws {
        let golden = try Golden(name)
        let model = try Llama(golden.weights(), Self.configuration(name, golden.config))
        let ids = try golden.ids("ids")[0]
        let expected = try golden["logits"]
        var cache = model.emptyCache()
        var start = 0
        for end in [1, 4, 5, ids.count] {
            let found = model.logits(Array(ids[start..<end]), last: end - start, &cache)
            #expect(found.error(against: expected[rows: start..<end]) < 1e-5)
            start = end
        }
        #expect(cache.count == ids.count)
        #expect(cache.bytes > 0)
    }

    @Test(arguments: goldens("llama", "qwen3-vl-text"))
    func `bf16 stays near f32`(name: String) throws {
        let golden = try Golden(name)
        let model = try Llama(golden.weights(.bf16), Self.configuration(name, golden.config), hasHead: false)
        let depth = model.configuration.depth
        let hidden = model.hidden(try golden.ids("ids")[0], at: .hiddenState(depth))
        #expect(try hidden.deviation(from: golden["hidden.\(depth)"]) < 0.05)
    }

    @Test func `multi-modal checkpoints keep the decoder under several prefixes`() throws {
        let golden = try Golden("qwen3-vl-text")
        let ids = try golden.ids("ids")[0]
        for prefix in ["language_model.model.", "model.", ""] {
            let store = try golden.store { key in
                key.hasPrefix("model.language_model.") ? prefix + key.dropFirst("model.language_model.".count) : nil
            }
            let model = try Llama(Weights(store, .f32), .init(qwen3VL: golden.config), hasHead: false)
            #expect(try model.hidden(ids, at: .hiddenState(3)).error(against: golden["hidden.3"]) < 1e-5)
        }
    }
}
