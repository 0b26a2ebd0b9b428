// A picture on its way through an upscaler, band by band: no seams, and memory for what the passes keep between them.

package import Tensor

package struct BandedUpscaling: Sendable {
    /// What the passes before left: images [1, H, W, ·].
    package private(set) var planes: [Tensor]
    /// Bands of the pass under way, from the top; the last pass hands its bands out instead.
    package private(set) var bands: [Tensor] = []
    /// Passes that are done, and lines of the next one that are.
    package private(set) var pass = 0
    package private(set) var line = 0
    /// Lines of a band, by pass.
    private let heights: [Int]
    private let height: Int

    /// `picture` is [1, H, W, 3] in 0 ... 1, its sides multiples of the network's unit.
    package init(_ network: any Upscaler, _ picture: Tensor) {
        let plane = network.prepared(picture)
        planes = [plane]
        height = plane.shape[1]
        heights = Self.heights(network, width: plane.shape[2])
    }

    /// At least as many lines as the passes compute twice, or the halo would cost more than the band.
    private static func heights(_ network: any Upscaler, width: Int) -> [Int] {
        network.passes.map { max(1, 2 * $0.reach, $0.pixels / width) }
    }

    package var isDone: Bool { pass == heights.count }
    /// Bands done, and bands in all.
    package var step: Int {
        heights.prefix(pass).reduce(0) { $0 + count($1) } + (isDone ? 0 : (line + heights[pass] - 1) / heights[pass])
    }
    package var steps: Int { heights.reduce(0) { $0 + count($1) } }

    private func count(_ lines: Int) -> Int { (height + lines - 1) / lines }

    /// Computes the next band; what the last pass makes of it is returned: [1, ·, W·f, 3].
    package mutating func advance(_ network: any Upscaler) -> Tensor? {
        precondition(!isDone, "every band is done")
        let pass = network.passes[pass]
        let end = min(height, line + heights[self.pass])
        let read = max(0, line - pass.reach)..<min(height, end + pass.reach)
        let result = pass.run(pass.reads.map { planes[$0].lines(read) })
        let band = result.lines((line - read.lowerBound) * pass.factor..<(end - read.lowerBound) * pass.factor)
        line = end
        let isLast = self.pass + 1 == heights.count
        if !isLast { bands.append(band) }
        if line == height {
            planes = isLast ? [] : pass.after(planes, .underEachOther(bands))
            (bands, line) = ([], 0)
            self.pass += 1
        }
        return isLast ? band : nil
    }
}

// MARK: Coming back

extension BandedUpscaling {
    /// Where it was left: `bands` are those of the pass under way as one image, nil without any. Nil where the tensors are
    /// not those of such a place.
    package init?(
        _ network: any Upscaler, width: Int, height: Int, pass: Int, line: Int, planes: [Tensor], bands: Tensor?
    ) {
        let passes = network.passes
        self.height = height / network.unit
        heights = Self.heights(network, width: width / network.unit)
        guard passes.indices.contains(pass), line >= 0, line < self.height, line % heights[pass] == 0 else {
            return nil
        }
        let shape = [1, self.height, width / network.unit]
        let inputs = 3 * network.unit * network.unit
        let channels = passes.prefix(pass).reduce([inputs]) { $1.after($0, $1.channels) }
        let isLast = pass + 1 == passes.count
        guard planes.map(\.shape) == channels.map({ shape + [$0] }), (bands != nil) == (line > 0 && !isLast),
            bands == nil || bands?.shape == [1, line, shape[2], passes[pass].channels]
        else { return nil }
        self.planes = planes
        self.bands = bands.map { [$0] } ?? []
        self.pass = pass
        self.line = line
    }

    /// The bands of the pass under way as one image.
    package var band: Tensor? { bands.isEmpty ? nil : .underEachOther(bands) }
}
