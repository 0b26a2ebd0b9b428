import Models
package import Pipelines
package import Tensor

/// The parts of a Stable Diffusion checkpoint, timed one by one on fixed input.
package struct PartBenchmark {
    private let files: ModelFiles
    private let precision: Precision

    /// `files` is a checkpoint with the parts of Stable Diffusion 1.x or 2.x.
    package init(_ files: ModelFiles, _ precision: Precision) {
        self.files = files
        self.precision = precision
    }

    /// The UNet on one and two samples of 64×64 latents, then the decoder to 512×512; weights are released in between.
    package func run(_ report: (Measurement) -> Void) throws {
        for batch in [1, 2] { report(try unet(batch)) }
        Arena.trim()
        report(try decoder())
    }

    private func unet(_ batch: Int) throws -> Measurement {
        let config = try UNet2DConditionModel.Configuration(files.config(.denoiser))
        let unet = try UNet2DConditionModel(files.weights(.denoiser, precision), config)
        let condition = unet.condition(wave([batch, 77, config.textWidth]))
        let latents = wave([batch, 64, 64, config.inputs])
        return Measurement("unet 64x64 batch \(batch)", repeats: 3) { _ = unet(latents, timestep: 500, condition) }
    }

    private func decoder() throws -> Measurement {
        let config = try AutoencoderKL.Configuration(files.config(.autoencoder))
        let decoder = try AutoencoderKL(files.weights(.autoencoder, precision), config, halves: [.decoder])
        let latents = wave([1, 64, 64, config.latents])
        return Measurement("vae decode 512x512", repeats: 3) { _ = decoder.decode(latents) }
    }

    /// Smooth values in −1 ... 1.
    private func wave(_ shape: [Int]) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { Float($0 % 2001) / 1000 - 1 }, shape)
    }
}
