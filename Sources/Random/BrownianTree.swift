// The noise of diffusers' DPMSolverSDEScheduler: torchsde's BrownianInterval with `halfway_tree`, tolerance 10⁻⁶ and a
// numpy SeedSequence of 24 words, queried for increments of one Brownian path over noise levels.
//
// The path's value at any level follows from the seed alone: the interval is halved until the level is reached, and each
// halving draws the bridge's midpoint from a generator seeded by its place in the tree. Nothing is kept between queries.

/// A Brownian path over noise levels, one value per latent element.
package struct BrownianTree: Sendable {
    private let entropy: UInt64
    private let range: (low: Double, high: Double)
    private let count: Int

    /// A path for `count` elements between the two noise levels (in either order), determined by `seed`.
    package init(seed: UInt64, from: Float, to: Float, count: Int) {
        entropy = seed
        range = (Double(min(from, to)), Double(max(from, to)))
        self.count = count
    }

    /// The path's increment between two noise levels, divided by its standard deviation: `count` normal variates.
    ///
    /// Cost: about 2·log₂(range / 10⁻⁶) draws of `count` variates.
    package func noise(from: Float, to: Float) -> [Float] {
        let low = Self.rounded(min(range.high, max(range.low, Double(min(from, to)))))
        let high = Self.rounded(min(range.high, max(range.low, Double(max(from, to)))))
        guard low < high else { return [Float](repeating: 0, count: count) }

        let root = Node(start: Self.rounded(range.low), end: Self.rounded(range.high), key: 0, depth: 0)
        let scale = Float((range.high - range.low).squareRoot())
        let seed = SeedSequence(entropy: entropy, spawnKey: []).first
        var sum: [Float] = []
        add(root, draw(seed).map { $0 * scale }, from: low, to: high, into: &sum)

        let deviation = (to - from).magnitude.squareRoot() * (from < to ? 1 : -1)
        return sum.map { $0 / deviation }
    }

    private struct Node {
        let start, end: Double
        let key: UInt64
        let depth: UInt64
    }

    private func draw(_ seed: UInt32) -> [Float] {
        var source = TorchRandomSource(seed: UInt64(seed))
        return source.normal(count)
    }

    /// Adds the increments of those dyadic intervals below `node` that make up [low, high], left to right.
    private func add(_ node: Node, _ increment: [Float], from low: Double, to high: Double, into sum: inout [Float]) {
        if low <= node.start && high >= node.end || node.depth == 60 {
            sum = sum.isEmpty ? increment : zip(sum, increment).map(+)
            return
        }
        let middle = Self.rounded(0.5 * (node.end + node.start))
        let (left, right) = (middle - node.start, node.end - middle)
        let reciprocal = 1 / (node.end - node.start)
        let deviation = Float((left * right * reciprocal).squareRoot())
        let noise = draw(SeedSequence(entropy: entropy, spawnKey: [node.key, node.depth]).first)
        let first = zip(increment, noise).map { $0 * Float(left) * Float(reciprocal) + deviation * $1 }
        if low < middle {
            let child = Node(start: node.start, end: middle, key: 2 * node.key, depth: node.depth + 1)
            add(child, first, from: low, to: min(high, middle), into: &sum)
        }
        if high > middle {
            let child = Node(start: middle, end: node.end, key: 2 * node.key + 1, depth: node.depth + 1)
            add(child, zip(increment, first).map(-), from: max(low, middle), to: high, into: &sum)
        }
    }

    /// To six decimals, ties decided by the exact binary value, as Python's `round(x, 6)`.
    static func rounded(_ x: Double) -> Double {
        let scaled = x * 1e6
        let error = (-scaled).addingProduct(x, 1e6)  // exact: x·10⁶ = scaled + error
        let below = scaled.rounded(.down)
        if scaled - below == 0.5 && error != 0 { return (error > 0 ? below + 1 : below) / 1e6 }
        return scaled.rounded(.toNearestOrEven) / 1e6
    }
}
