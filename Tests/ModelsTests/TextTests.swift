import Checkpoints
import Models
import Tensor
import Testing
import Vocabulary

@Suite struct TextTests {
    @Test(arguments: goldens("clip-text"))
    func `a CLIP text encoder agrees with transformers`(name: String) throws {
        let golden = try Golden(name)
        let weights = try golden.weights()
        let model = try CLIPTextModel(weights, .init(golden.config))
        try weights.requireAllTaken()
        let output = model(try golden.ids("ids"))
        #expect(try output.last.error(against: golden["last"]) < 1e-5)
        #expect(try output.hidden(skipping: 1).error(against: golden["penultimate"]) < 1e-5)
        #expect(try output.hidden[0].error(against: golden["first"]) < 1e-5)
        #expect(try output.pooled.error(against: golden["pooled"]) < 1e-5)
    }

    @Test(arguments: goldens("clip-text"))
    func `keys are read with and without their prefix`(name: String) throws {
        let golden = try Golden(name)
        let hasPrefix = try golden.store().contains("text_model.final_layer_norm.weight")
        let store = try golden.store { key in
            if key.hasPrefix("text_projection") { return key }
            return hasPrefix ? String(key.dropFirst("text_model.".count)) : "text_model." + key
        }
        let model = try CLIPTextModel(Weights(store, .f32), .init(golden.config))
        #expect(try model(golden.ids("ids")).last.error(against: golden["last"]) < 1e-5)
    }

    @Test(arguments: goldens("clip-text"))
    func `bf16 stays near f32`(name: String) throws {
        let golden = try Golden(name)
        let model = try CLIPTextModel(golden.weights(.bf16), .init(golden.config))
        let output = model(try golden.ids("ids"))
        #expect(try output.last.deviation(from: golden["last"]) < 0.03)
        #expect(try output.pooled.deviation(from: golden["pooled"]) < 0.03)
    }
}
