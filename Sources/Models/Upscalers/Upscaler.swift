package import Checkpoints
package import Tensor

/// A network that enlarges a picture.
package protocol Upscaler: Sendable {
    /// Pixels of the result for a pixel of the picture, along each side.
    var factor: Int { get }
    /// Pixels of the picture beyond which a pixel of the result does not look, where that is near enough to matter.
    var reach: Int { get }
    /// Sides of a picture are multiples of this.
    var unit: Int { get }

    /// [N, H, W, 3] in 0 ... 1 → [N, H·f, W·f, 3], not clamped, f32.
    func callAsFunction(_ x: Tensor) -> Tensor
}

/// The upscaler that a checkpoint holds, by the names of its tensors.
package func upscaler(_ store: CheckpointStore, _ precision: Precision) throws -> any Upscaler {
    let store = try UpscalerNames.modern(store)
    if store.contains("conv_first.weight") {
        let weights = Weights(store, precision)
        let config = try RRDBNet.Configuration(store)
        try requireColours(config.outputs)
        let network = try RRDBNet(weights, config)
        try weights.requireAllTaken()
        return network
    }
    let weights = Weights(store, precision)
    let config = try SRVGGNetCompact.Configuration(store)
    try requireColours(config.channels)
    let network = try SRVGGNetCompact(weights, config)
    try weights.requireAllTaken()
    return network
}

private func requireColours(_ channels: Int) throws(WeightError) {
    guard channels == 3 else {
        throw .configuration("the output", "\(channels) channels, where a picture has red, green and blue")
    }
}
