// The random numbers of one picture, in the order in which diffusers draws them.

import RandomSources
import Schedulers
import Tensor
import Vocabulary

extension Vocabulary.RandomSource {
    func stream(seed: UInt64) -> any RandomStream {
        switch self {
        case .torch: TorchRandomSource(seed: seed)
        case .philox: PhiloxRandomSource(seed: seed)
        }
    }
}

/// One generator for the initial latents and then whatever the sampler asks for. Values come as [C, H, W], torch's
/// order, and are laid out [1, H, W, C].
struct LatentNoise: Sendable {
    private var source: any RandomStream
    private let shape: [Int]
    /// The path whose increments are the noise of samplers that are stochastic differential equations.
    private let path: BrownianTree?

    init(_ origin: RandomSource, seed: UInt64, shape: [Int], _ plan: SamplingPlan) {
        source = origin.stream(seed: seed)
        self.shape = shape
        path = plan.path.map {
            BrownianTree(seed: plan.pathSeed ?? seed, from: $0.from, to: $0.to, count: shape.reduce(1, *))
        }
    }

    /// A draw of the latents' size.
    mutating func draw() -> Tensor { latents(source.normal(shape.reduce(1, *))) }

    /// The noise of a row; nil when it takes none. A draw that the row's weights ignore is taken all the same.
    mutating func next(for row: Step) -> Tensor? {
        if let interval = row.interval, let path {
            return latents(path.noise(from: interval.from, to: interval.to))
        }
        var drawn: Tensor?
        for _ in 0..<row.draws { drawn = draw() }
        return drawn
    }

    /// Leaves out what `next` would have drawn for a row that is done. The increments of a path need no order.
    mutating func skip(_ row: Step) {
        guard row.interval == nil || path == nil else { return }
        for _ in 0..<row.draws { _ = source.normal(shape.reduce(1, *)) }
    }

    private func latents(_ values: [Float]) -> Tensor { Tensor(values, [1] + shape).permuted(0, 2, 3, 1) }
}
