import Checkpoints
import Models
import Tensor
import Testing
import Vocabulary

/// Runs alone: the number of threads belongs to the whole process.
@Suite(.serialized) struct ThreadTests {
    @Test(arguments: [Vocabulary.Precision.f32, .bf16])
    func `one thread and two give the same bytes`(precision: Vocabulary.Precision) throws {
        let before = Kernels.threads
        defer { Kernels.threads = before }
        let results = try [1, 2].map { threads in
            Kernels.threads = threads
            let denoiser = try Golden("dreamlite")
            let unet = try UNet2DConditionModel(
                denoiser.weights(precision), .init(dreamLite: denoiser.config))
            let autoencoder = try Golden("autoencoder-kl")
            let decoder = try AutoencoderKL(autoencoder.weights(precision), .init(autoencoder.config))
            let text = try Golden("llama")
            let llama = try Llama(text.weights(precision), .init(text.config))
            return try DenoiserTests.output(unet, denoiser).floats
                + decoder.decode(autoencoder.image("latents")).floats
                + llama.hidden(text.ids("ids")[0], at: .residual(2)).floats
        }
        #expect(results[0] == results[1])
    }
}
