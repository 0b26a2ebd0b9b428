import Checkpoints
import Models
import Tensor
import Testing
import Vocabulary

@Suite struct AutoencoderTests {
    @Test(arguments: goldens("autoencoder-tiny"))
    func `the tiny autoencoder agrees with diffusers`(name: String) throws {
        let golden = try Golden(name)
        let weights = try golden.weights()
        let model = try AutoencoderTiny(weights, .init(golden.config))
        try weights.requireAllTaken()
        #expect(try model.decode(golden.image("latents")).error(against: golden.image("decoded")) < 1e-5)
        #expect(try model.encode(golden.image("pixels")).error(against: golden.image("encoded")) < 1e-5)
    }

    @Test(arguments: goldens("autoencoder-kl"))
    func `the variational autoencoder agrees with diffusers`(name: String) throws {
        let golden = try Golden(name)
        let weights = try golden.weights()
        let model = try AutoencoderKL(weights, .init(golden.config))
        try weights.requireAllTaken()
        #expect(try model.decode(golden.image("latents")).error(against: golden.image("decoded")) < 1e-5)
        let moments = try model.encode(golden.image("pixels"))
        #expect(try moments.mean.error(against: golden.image("mean")) < 1e-5)
        #expect(try moments.deviation.error(against: golden.image("deviation")) < 1e-5)
    }

    @Test func `bf16 stays near f32`() throws {
        let tiny = try Golden("autoencoder-tiny")
        let small = try AutoencoderTiny(tiny.weights(.bf16), .init(tiny.config))
        #expect(try small.decode(tiny.image("latents")).deviation(from: tiny.image("decoded")) < 0.02)
        let full = try Golden("autoencoder-kl")
        let large = try AutoencoderKL(full.weights(.bf16), .init(full.config))
        #expect(try large.decode(full.image("latents")).deviation(from: full.image("decoded")) < 0.03)
        #expect(try large.encode(full.image("pixels")).mean.deviation(from: full.image("mean")) < 0.03)
    }

    @Test func `one half loads from a checkpoint without the other`() throws {
        let golden = try Golden("autoencoder-kl")
        let store = try golden.store { $0.hasPrefix("encoder") || $0.hasPrefix("quant") ? nil : $0 }
        let model = try AutoencoderKL(Weights(store, .f32), .init(golden.config), halves: [.decoder])
        #expect(try model.decode(golden.image("latents")).error(against: golden.image("decoded")) < 1e-5)
        #expect(throws: WeightError.missing("encoder.conv_in.weight")) {
            _ = try AutoencoderKL(Weights(store, .f32), .init(golden.config), halves: [.encoder])
        }
    }

    @Test func `attention keys of files from before 2023 are read`() throws {
        let golden = try Golden("autoencoder-kl")
        let old = ["to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"]
        let store = try golden.store { key in old.reduce(key) { $0.replacing(".\($1.key).", with: ".\($1.value).") } }
        let model = try AutoencoderKL(Weights(store, .f32), .init(golden.config))
        #expect(try model.decode(golden.image("latents")).error(against: golden.image("decoded")) < 1e-5)
    }
}
