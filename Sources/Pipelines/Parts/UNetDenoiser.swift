import Models
import Tensor

/// A UNet and the form in which it takes latents.
struct UNetDenoiser: Denoiser {
    /// What stands beside the noisy latents: nothing, or the latents of a source picture, which are zeros when a
    /// picture is drawn from text alone.
    enum Source: Sendable, Equatable {
        case none
        /// A mask and the latents of the picture without what it hides, joined on the channel axis, as inpainting models
        /// have them.
        case masked
        /// Joined on the channel axis, as InstructPix2Pix and Lazuli Mini do.
        case channels
        /// Joined on the right, as DreamLite does; the left half of the output counts.
        case beside
    }

    let configuration: UNet2DConditionModel.Configuration
    let unet: Part<UNet2DConditionModel>
    let source: Source
    /// The numbers that are embedded beside the timestep.
    let timeIDs: @Sendable (PixelSize) -> [Float]

    var parts: [any ModelPart] { [unet] }
    var unit: Int { 1 }

    /// As diffusers counts for flow models of this build: patches of two latents by two.
    func tokens(height: Int, width: Int) -> Int { height * width / 4 }

    func mismatch(with branch: Branch, channels: Int) -> String? {
        let config = configuration
        let inputs =
            switch source {
            case .none, .beside: channels
            case .channels: 2 * channels
            case .masked: 2 * channels + 1
            }
        let numbers = timeIDs(PixelSize(width: 8, height: 8)).count
        let pooled = config.addition.pooledWidth(besideNumbers: numbers)
        if config.inputs != inputs || config.outputs != channels {
            return "its UNet maps \(config.inputs) channels to \(config.outputs), its autoencoder has \(channels)"
        }
        if branch.hidden.width != config.textWidth {
            return "its UNet reads text of width \(config.textWidth), its text encoder writes \(branch.hidden.width)"
        }
        if let pooled, branch.pooled?.width != pooled {
            return "its UNet takes a pooled vector of \(pooled), its text encoder gives \(branch.pooled?.width ?? 0)"
        }
        if case .time(let each, let width) = config.addition, width != numbers * each {
            return "its UNet embeds \(width / max(1, each)) numbers beside the timestep, its pipeline has \(numbers)"
        }
        return nil
    }

    func prepare(
        _ branches: [Branch], size: PixelSize, guidance: Double, _ lender: some PartLender
    ) throws -> any PreparedBranches {
        let unet = try lender.lease(unet)
        // Branches of one length run as one batch: the weights are then read once for both.
        let lengths = Set(branches.map { $0.hidden.shape[1] })
        let batches = lengths.count == 1 ? [branches] : branches.map { [$0] }
        return Prepared(
            denoiser: self,
            batches: batches.map { batch in
                Prepared.Batch(
                    condition: unet.value.condition(
                        Tensor.stacked(batch.map(\.hidden)),
                        pooled: batch[0].pooled == nil ? nil : Tensor.stacked(batch.compactMap(\.pooled)),
                        timeIDs: timeIDs(size), guidance: guidance),
                    showsSource: batch.map(\.showsSource))
            })
    }

    private struct Prepared: PreparedBranches {
        struct Batch: Sendable {
            let condition: UNet2DConditionModel.Condition
            let showsSource: [Bool]
        }

        let denoiser: UNetDenoiser
        let batches: [Batch]

        func predict(
            _ latents: Tensor, source: Tensor?, timestep: Float, _ lender: some PartLender
        ) throws -> [Tensor] {
            let unet = try lender.lease(denoiser.unet)
            return batches.flatMap { batch in
                let inputs = batch.showsSource.map { denoiser.joined(latents, $0 ? source : nil) }
                let output = unet.value(Tensor.stacked(inputs), timestep: timestep, batch.condition)
                return inputs.indices.map { denoiser.withoutSource(output[rows: $0..<$0 + 1], like: latents) }
            }
        }
    }

    private func joined(_ latents: Tensor, _ picture: Tensor?) -> Tensor {
        switch source {
        case .none: return latents
        case .channels: return latents.joined(with: picture ?? Tensor(zeros: latents.shape))
        case .masked:
            let shape = Array(latents.shape.dropLast()) + [latents.width + 1]
            return latents.joined(with: picture ?? Tensor(zeros: shape))
        case .beside:
            let lines = latents.reshaped(Self.lines(latents.shape))
            var shape = latents.shape
            shape[2] *= 2
            return lines.joined(with: picture?.reshaped(lines.shape) ?? Tensor(zeros: lines.shape)).reshaped(shape)
        }
    }

    private func withoutSource(_ output: Tensor, like latents: Tensor) -> Tensor {
        guard case .beside = source else { return output }
        let width = latents.shape[2] * latents.shape[3]
        return output.reshaped(Self.lines(output.shape)).columns(0..<width).reshaped(latents.shape)
    }

    private static func lines(_ shape: [Int]) -> [Int] { [shape[0], shape[1], shape[2] * shape[3]] }
}
