import Checkpoints
import Models
import Tensor
import Vocabulary

/// `AutoencoderKL`, whose halves are parts of their own: drawing from noise needs only one.
struct VariationalLatentCodec: LatentCodec {
    private let configuration: AutoencoderKL.Configuration
    private let autoencoder, encoder: Part<AutoencoderKL>

    init(_ files: some AutoencoderSource, _ precision: Precision, _ config: AutoencoderKL.Configuration) throws {
        configuration = config
        autoencoder = try files.part(.autoencoder, precision, settings: "shift \(config.shift)") { weights in
            let autoencoder = try AutoencoderKL(weights, config, halves: [.decoder])
            try weights.requireAllTaken(ignoring: "encoder.", "quant_conv.")
            return autoencoder
        }
        encoder = try files.part(.autoencoder, precision, settings: "encoder, shift \(config.shift)") { weights in
            let autoencoder = try AutoencoderKL(weights, config, halves: [.encoder])
            try weights.requireAllTaken(ignoring: "decoder.", "post_quant_conv.")
            return autoencoder
        }
    }

    var parts: [any ModelPart] { [autoencoder] }
    var channels: Int { configuration.latents }
    var factor: Int { configuration.factor }
    var isQuick: Bool { false }

    func decode(_ latents: Tensor, band: Int?, _ lender: some PartLender) throws -> Tensor {
        try lender.lease(autoencoder).value.decode(latents, band: band)
    }

    var encodingParts: [any ModelPart] { [encoder] }

    func encode(_ pixels: Tensor, band: Int?, _ lender: some PartLender) throws -> EncodedPicture {
        let (mean, deviation) = try lender.lease(encoder).value.encode(pixels, band: band)
        return EncodedPicture(
            mean: mean, deviation: deviation, scale: configuration.scale, shift: configuration.shift)
    }
}

/// `AutoencoderTiny`.
struct TinyLatentCodec: LatentCodec {
    private let configuration: AutoencoderTiny.Configuration
    private let autoencoder: Part<AutoencoderTiny>

    /// Without `shifts` its `shift_factor` is left out.
    init(_ files: some AutoencoderSource, _ precision: Precision, shifts: Bool = true) throws {
        var config = try AutoencoderTiny.Configuration(files.config(.autoencoder))
        if !shifts { config.shift = 0 }
        let shaped = config
        configuration = shaped
        autoencoder = try files.part(.autoencoder, precision, settings: "shift \(shaped.shift)") { weights in
            let autoencoder = try AutoencoderTiny(weights, shaped)
            try weights.requireAllTaken()
            return autoencoder
        }
    }

    var parts: [any ModelPart] { [autoencoder] }
    var channels: Int { configuration.latents }
    var factor: Int { configuration.factor }
    var isQuick: Bool { true }

    func decode(_ latents: Tensor, band: Int?, _ lender: some PartLender) throws -> Tensor {
        try lender.lease(autoencoder).value.decode(latents, band: band)
    }

    var encodingParts: [any ModelPart] { [] }

    func encode(_ pixels: Tensor, band: Int?, _ lender: some PartLender) throws -> EncodedPicture {
        // The network's latents are scaled by the model itself.
        EncodedPicture(mean: try lender.lease(autoencoder).value.encode(pixels, band: band), scale: 1, shift: 0)
    }
}
