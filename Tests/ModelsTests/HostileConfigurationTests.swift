import Checkpoints
import JSON
import Models
import Tensor
import Testing
import Vocabulary

/// A configuration that no model was trained with is a typed error, or it runs: it never traps.
@Suite struct HostileConfigurationTests {
    /// Loads a model from a golden's weights and a hostile configuration, and runs it where it loads.
    private static func run(_ name: String, _ json: ConfigObject, _ store: CheckpointStore) throws {
        let weights = Weights(store, .f32)
        if name.hasPrefix("autoencoder-kl") {
            decode(try AutoencoderKL(weights, .init(json)))
        } else if name.hasPrefix("autoencoder-tiny") {
            decode(try AutoencoderTiny(weights, .init(json)))
        } else if name.hasPrefix("clip") {
            let model = try CLIPTextModel(weights, .init(json))
            _ = model([Array(0..<min(3, model.configuration.context))])
        } else if name.hasPrefix("unet") || name.hasPrefix("dreamlite") {
            predict(try UNet2DConditionModel(weights, DenoiserTests.configuration(name, json)))
        } else {
            let model = try Llama(weights, DecoderTests.configuration(name, json))
            _ = model.hidden([0, 1, 2], at: .residual(model.configuration.depth))
        }
    }

    private static func decode(_ model: AutoencoderKL) {
        let edge = 2 * model.configuration.factor
        let pixels = model.decode(Tensor(zeros: [1, 2, 2, model.configuration.latents]))
        #expect(pixels.shape == [1, edge, edge, 3])
        #expect(model.encode(pixels).mean.shape == [1, 2, 2, model.configuration.latents])
    }

    private static func decode(_ model: AutoencoderTiny) {
        let edge = 2 * model.configuration.factor
        let pixels = model.decode(Tensor(zeros: [1, 2, 2, model.configuration.latents]))
        #expect(pixels.shape == [1, edge, edge, 3])
        #expect(model.encode(pixels).shape == [1, 2, 2, model.configuration.latents])
    }

    /// Inputs are checked against the configuration as the pipelines check them.
    private static func predict(_ model: UNet2DConditionModel) {
        let config = model.configuration
        let numbers = [Float](repeating: 8, count: 6)
        let pooled = config.addition.pooledWidth(besideNumbers: numbers.count)
        if let pooled, pooled < 1 { return }
        if case .time(let each, let width) = config.addition, width != numbers.count * each { return }
        let condition = model.condition(
            Tensor(zeros: [1, 3, config.textWidth]), pooled: pooled.map { Tensor(zeros: [1, $0]) },
            timeIDs: config.addition.width == nil ? [] : numbers)
        let output = model(Tensor(zeros: [1, 9, 7, config.inputs]), timestep: 500, condition)
        #expect(output.shape == [1, 9, 7, config.outputs])
    }

    /// Whether the configuration was refused by a typed error; every other error is a failure.
    private static func isRefused(_ name: String, _ json: ConfigObject, _ store: CheckpointStore) -> Bool {
        do { try run(name, json, store) } catch {
            #expect(error is ConfigError || error is WeightError, "\(error)")
            #expect("\(error)".utf8.count < 1000, "a message is a message")
            return true
        }
        return false
    }

    private static let models = [
        "autoencoder-kl", "autoencoder-tiny", "clip-text-projection", "dreamlite-mini", "llama-scaled",
        "qwen3-vl-text", "unet-consistency", "unet-sd1", "unet-sdxl",
    ]

    @Test(.timeLimit(.minutes(5)), arguments: models)
    func `every value at every place of a configuration is refused or runs`(name: String) throws {
        let golden = try Golden(name)
        let store = try golden.store()
        let hostile = try HostileConfigurations(name)
        try #require(hostile.places.count > 10)
        var refused = 0
        for place in hostile.places {
            for value in HostileConfigurations.values {
                let json = try hostile.configuration([(place, value)])
                if Self.isRefused(name, json, store) { refused += 1 }
            }
        }
        #expect(refused > 300, "\(refused) refused")
        #expect(!Self.isRefused(name, golden.config, store))
    }

    /// Lists that agree with each other, whatever their length: 1 << 58 and 1 << 65 were once computed.
    @Test(arguments: [
        ("autoencoder-kl", ["block_out_channels", "down_block_types", "up_block_types"]),
        (
            "autoencoder-tiny",
            [
                "encoder_block_out_channels", "decoder_block_out_channels", "num_encoder_blocks",
                "num_decoder_blocks",
            ]
        ), ("unet-sd1", ["block_out_channels", "down_block_types", "up_block_types"]),
    ])
    func `networks of any number of levels are refused or run`(name: String, lists: [String]) throws {
        let golden = try Golden(name)
        let store = try golden.store()
        let hostile = try HostileConfigurations(name)
        for count in 0...80 {
            let changes = try lists.map { key in
                let first = try #require(hostile.value(key)?.asArray?.first)
                return (place: [key], value: JSON.array([JSON](repeating: first, count: count)))
            }
            let json = try hostile.configuration(changes)
            #expect(Self.isRefused(name, json, store) || count <= 10)
            guard count > 10 else { continue }
            let error = #expect(throws: ConfigError.self) { try Self.run(name, json, store) }
            guard case .type(_, _, "a list of at most 10", "a list of \(count)")? = error else {
                Issue.record("\(count) levels: \(String(describing: error))")
                continue
            }
        }
    }

    @Test(.timeLimit(.minutes(5)), arguments: models)
    func `hostile values together are refused or run`(name: String) throws {
        let store = try Golden(name).store()
        let hostile = try HostileConfigurations(name)
        var random = SeededGenerator(state: 17)
        for _ in 0..<500 {
            let changes = (0..<Int.random(in: 2...5, using: &random)).map { _ in
                (
                    place: hostile.places[Int.random(in: 0..<hostile.places.count, using: &random)],
                    value: HostileConfigurations.values[
                        Int.random(in: 0..<HostileConfigurations.values.count, using: &random)]
                )
            }
            _ = Self.isRefused(name, try hostile.configuration(changes), store)
        }
    }
}

/// SplitMix64, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
