import Tensor

/// What the group norms of a network know of an image that goes through it in bands.
///
/// A norm needs the moments of the whole, so each pass over the bands measures one norm more, in the lines that a band
/// stands for, and ends there; the pass that finds all of them known is the one that computes. A band's own norms would leave
/// a step at every edge instead. Not for use by two threads.
package final class BandNorms {
    private var known: [GroupMoments] = []
    private var measured: GroupMoments?
    private var place = 0
    private var band = Bands.Band(read: 0..<0, kept: 0..<0)

    package init() {}

    /// The next tensors come from this band.
    package func begin(_ band: Bands.Band) {
        self.band = band
        place = 0
    }

    /// All bands have passed: what was measured counts from here on.
    package func finishPass() {
        if let measured { known.append(measured) }
        measured = nil
    }

    /// The moments by which the next norm of the network normalises `x`, a band at any scale; nil while they are measured.
    func moments(of x: Tensor, groups: Int) -> GroupMoments? {
        defer { place += 1 }
        if place < known.count { return known[place] }
        let (height, lines) = (x.shape[1], max(1, band.read.count))
        func line(_ line: Int) -> Int { (line - band.read.lowerBound) * height / lines }
        let own = x.lines(line(band.kept.lowerBound)..<line(band.kept.upperBound)).groupMoments(groups: groups)
        if measured == nil { measured = own } else { measured?.join(own) }
        return nil
    }
}

/// An image cut into bands, each read with the lines around it that its result depends on.
package struct Bands: Sequence {
    package struct Band: Sendable, Equatable {
        package var read, kept: Range<Int>

        package init(read: Range<Int>, kept: Range<Int>) {
            self.read = read
            self.kept = kept
        }
    }

    private let height, lines, reach: Int

    /// Bands of `lines` of `height` lines, whose results depend on `reach` lines to both sides.
    package init(height: Int, lines: Int, reach: Int) {
        precondition(height > 0 && lines > 0 && reach >= 0, "\(lines) of \(height) lines")
        self.height = height
        self.lines = lines
        self.reach = reach
    }

    package func makeIterator() -> some IteratorProtocol<Band> {
        stride(from: 0, to: height, by: lines).lazy.map { start in
            let end = Swift.min(height, start + lines)
            return Band(read: Swift.max(0, start - reach)..<Swift.min(height, end + reach), kept: start..<end)
        }.makeIterator()
    }
}
