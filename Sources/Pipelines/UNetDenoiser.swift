import Models
import Tensor

/// A UNet and the form in which it takes latents.
struct UNetDenoiser: Denoiser {
    /// What stands beside the noisy latents: nothing, or the latents of a source picture, which are zeros when a
    /// picture is drawn from text alone.
    enum Source: Sendable {
        case none
        /// Joined on the channel axis, as InstructPix2Pix and Lazuli Mini do.
        case channels
        /// Joined on the right, as DreamLite does; the left half of the output counts.
        case beside
    }

    let unet: UNet2DConditionModel
    let source: Source
    /// The numbers that are embedded beside the timestep.
    let timeIDs: @Sendable (PixelSize) -> [Float]

    func mismatch(with branch: Conditioning, channels: Int) -> String? {
        let config = unet.configuration
        let inputs = if case .channels = source { 2 * channels } else { channels }
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

    var embedsGuidance: Bool { unet.configuration.guidanceWidth != nil }

    func conditioned(on branches: [Conditioning], size: PixelSize, guidance: Double) -> Prediction {
        // Branches of one length run as one batch: the weights are then read once for both.
        let lengths = Set(branches.map { $0.hidden.shape[1] })
        let batches = lengths.count == 1 ? [branches] : branches.map { [$0] }
        let conditions = batches.map { batch in
            unet.condition(
                Tensor.stacked(batch.map(\.hidden)),
                pooled: batch[0].pooled == nil ? nil : Tensor.stacked(batch.compactMap(\.pooled)),
                timeIDs: timeIDs(size), guidance: guidance)
        }
        return { latents, timestep in
            let input = withSource(latents)
            return conditions.flatMap { condition in
                let output = unet(
                    Tensor.stacked([Tensor](repeating: input, count: condition.batch)), timestep: timestep, condition)
                return (0..<condition.batch).map { withoutSource(output[rows: $0..<$0 + 1], like: latents) }
            }
        }
    }

    private func withSource(_ latents: Tensor) -> Tensor {
        switch source {
        case .none: return latents
        case .channels: return latents.joined(with: Tensor(zeros: latents.shape))
        case .beside:
            let lines = latents.reshaped(Self.lines(latents.shape))
            var shape = latents.shape
            shape[2] *= 2
            return lines.joined(with: Tensor(zeros: lines.shape)).reshaped(shape)
        }
    }

    private func withoutSource(_ output: Tensor, like latents: Tensor) -> Tensor {
        guard case .beside = source else { return output }
        let width = latents.shape[2] * latents.shape[3]
        return output.reshaped(Self.lines(output.shape)).columns(0..<width).reshaped(latents.shape)
    }

    private static func lines(_ shape: [Int]) -> [Int] { [shape[0], shape[1], shape[2] * shape[3]] }
}

extension AutoencoderKL: LatentDecoder {}
extension AutoencoderTiny: LatentDecoder {}
