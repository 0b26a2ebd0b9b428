// Rearrangements between channels and pixels of images [N, H, W, C]; pixel (i, j) of a block of f × f and channel c stand
// at c·f² + i·f + j, as torch has them.

extension Tensor {
    /// torch's `pixel_shuffle`: [N, H, W, C·f²] → [N, H·f, W·f, C].
    package func pixelShuffled(_ factor: Int) -> Tensor {
        precondition(rank == 4 && factor > 0 && shape[3] % (factor * factor) == 0, "shuffling \(shape) by \(factor)")
        let (h, w, channels) = (shape[1], shape[2], shape[3] / (factor * factor))
        let y = Tensor(uninitialized: [shape[0], h * factor, w * factor, channels], type)
        eachElement(into: y) { at in
            let channel = at % channels
            let (column, line) = (at / channels % (w * factor), at / channels / (w * factor))
            let place = channel * factor * factor + line % factor * factor + column % factor
            return ((line / factor) * w + column / factor) * channels * factor * factor + place
        }
        return y
    }

    /// torch's `pixel_unshuffle`: [N, H·f, W·f, C] → [N, H, W, C·f²].
    package func pixelUnshuffled(_ factor: Int) -> Tensor {
        precondition(
            rank == 4 && factor > 0 && shape[1] % factor == 0 && shape[2] % factor == 0,
            "unshuffling \(shape) by \(factor)")
        let (h, w, channels) = (shape[1] / factor, shape[2] / factor, shape[3])
        let y = Tensor(uninitialized: [shape[0], h, w, channels * factor * factor], type)
        let deep = channels * factor * factor
        eachElement(into: y) { at in
            let (channel, i, j) = (at % deep / (factor * factor), at % deep / factor % factor, at % factor)
            let (column, line) = (at / deep % w, at / deep / w)
            return ((line * factor + i) * w * factor + column * factor + j) * channels + channel
        }
        return y
    }

    /// Every pixel repeated in a square of `factor`: [N, H, W, C] → [N, H·f, W·f, C].
    package func nearest(_ factor: Int) -> Tensor {
        precondition(rank == 4 && factor > 0, "enlarging \(shape) by \(factor)")
        let (w, channels) = (shape[2], shape[3])
        let y = Tensor(uninitialized: [shape[0], shape[1] * factor, w * factor, channels], type)
        eachElement(into: y) { at in
            let (column, line) = (at / channels % (w * factor), at / channels / (w * factor))
            return ((line / factor) * w + column / factor) * channels + at % channels
        }
        return y
    }

    /// Lines of one image [1, H, W, C], sharing storage.
    package func lines(_ range: Range<Int>) -> Tensor {
        self[0][rows: range].reshaped([1, range.count] + shape.dropFirst(2))
    }

    /// Images [1, ·, W, C] as one, or texts [1, ·, D].
    package static func underEachOther(_ parts: [Tensor]) -> Tensor {
        guard parts.count > 1 else { return parts[0] }
        let joined = stacked(parts.map { $0[0] })
        return joined.reshaped([1] + joined.shape)
    }

    /// Part of the lines and columns of an image, copied.
    package func cropped(_ lines: Range<Int>, _ columns: Range<Int>) -> Tensor {
        precondition(
            rank == 4 && lines.lowerBound >= 0 && lines.upperBound <= shape[1] && columns.lowerBound >= 0
                && columns.upperBound <= shape[2], "\(lines) × \(columns) of \(shape)")
        let y = Tensor(uninitialized: [shape[0], lines.count, columns.count, shape[3]], type)
        let (h, w, channels) = (shape[1], shape[2], shape[3])
        eachElement(into: y) { at in
            let (column, line) = (at / channels % columns.count, at / channels / columns.count)
            let sample = line / max(1, lines.count)
            let from = sample * h + line % max(1, lines.count) + lines.lowerBound
            return (from * w + column + columns.lowerBound) * channels + at % channels
        }
        return y
    }

    /// Fills `y` with the elements of self that stand at `source` of their place. Lines of all samples count through.
    private func eachElement(into y: Tensor, _ source: (Int) -> Int) {
        withExtendedLifetime((self, y)) {
            if type == .f32 {
                let (from, to) = unsafe (
                    read.assumingMemoryBound(to: UInt32.self), y.write.assumingMemoryBound(to: UInt32.self)
                )
                for at in 0..<y.count { unsafe to[at] = from[source(at)] }
            } else {
                let (from, to) = unsafe (
                    read.assumingMemoryBound(to: UInt16.self), y.write.assumingMemoryBound(to: UInt16.self)
                )
                for at in 0..<y.count { unsafe to[at] = from[source(at)] }
            }
        }
    }
}
