package import Checkpoints
package import Tensor

/// A network that enlarges a picture, as passes that each look at near lines only.
package protocol Upscaler: Sendable {
    /// Pixels of the result for a pixel of the picture, along each side.
    var factor: Int { get }
    /// Sides of a picture are multiples of this.
    var unit: Int { get }
    /// Carried out one after the other, each over the whole picture; the last makes the result.
    var passes: [BandPass] { get }

    /// The first plane, which the first pass reads: [1, H, W, 3] in 0 ... 1 → [1, H / unit, W / unit, ·].
    func prepared(_ x: Tensor) -> Tensor
}

extension Upscaler {
    package func prepared(_ x: Tensor) -> Tensor { x }

    /// [1, H, W, 3] in 0 ... 1 → [1, H·f, W·f, 3], not clamped, f32.
    package func callAsFunction(_ x: Tensor) -> Tensor {
        passes.reduce([prepared(x)]) { planes, pass in pass.after(planes, pass.run(pass.reads.map { planes[$0] })) }[0]
    }
}

/// A part of a network whose result depends on a few lines around each line, so that a picture goes through it band by
/// band and comes out as if it had gone through whole.
package struct BandPass: Sendable {
    /// The planes that it reads, by number; all are images [1, H, W, ·] of one size.
    let reads: [Int]
    /// The planes that are still wanted afterwards. What the pass makes comes behind them.
    let keeps: [Int]
    /// Lines beyond a line, on either side, on which its result depends.
    let reach: Int
    /// Lines and columns of the result for one that is read.
    let factor: Int
    /// Pixels that are read at a time, so that neither time nor memory of a band is long.
    let pixels: Int
    /// Channels of the result.
    let channels: Int
    let run: @Sendable ([Tensor]) -> Tensor

    init(
        reads: [Int], keeps: [Int], reach: Int, factor: Int = 1, pixels: Int, channels: Int,
        run: @escaping @Sendable ([Tensor]) -> Tensor
    ) {
        self.reads = reads
        self.keeps = keeps
        self.reach = reach
        self.factor = factor
        self.pixels = pixels
        self.channels = channels
        self.run = run
    }

    /// Planes after the pass.
    func after<Plane>(_ planes: [Plane], _ made: Plane) -> [Plane] { keeps.map { planes[$0] } + [made] }
}

/// The family of upscalers that a checkpoint is of, by the names of its tensors; nil: none.
package func upscalerFamily(_ store: CheckpointStore) throws -> String? {
    let store = try UpscalerNames.modern(store)
    if store.contains("conv_first.weight"), store.contains("body.0.rdb1.conv1.weight") { return "rrdbnet" }
    // A chain of convolutions, each followed by the slopes of its activation.
    guard store.shape("body.0.weight")?.count == 4, store.shape("body.1.weight")?.count == 1 else { return nil }
    return "srvgg"
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
