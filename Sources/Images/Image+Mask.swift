// What masks need: softened edges, and colours grown over what they hide.
//
// Paper   Gortler et al. 1996, "The Lumigraph", section 3.4.2: push and pull

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension Image {
    /// The grey picture blurred with a Gaussian of `deviation` pixels, its outermost pixels going on outside.
    package func blurred(deviation: Double) -> Image {
        precondition(channels == 1, "a mask is grey")
        guard deviation > 0 else { return self }
        let radius = max(1, Int((3 * deviation).rounded(.up)))
        let raw = (-radius...radius).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let total = raw.reduce(0, +)
        let weights = raw.map { Float($0 / total) }
        func smooth(_ values: [Float], _ lines: Int, _ count: Int) -> [Float] {
            // Lines become columns, so that the same pass does both directions.
            var result = [Float](repeating: 0, count: values.count)
            for line in 0..<lines {
                for place in 0..<count {
                    var sum: Float = 0
                    for (offset, weight) in weights.enumerated() {
                        sum += weight * values[line * count + min(max(place + offset - radius, 0), count - 1)]
                    }
                    result[place * lines + line] = sum
                }
            }
            return result
        }
        let across = smooth(samples.map(Float.init), height, width)
        let values = smooth(across, width, height)
        return Image(
            width: width, height: height, channels: 1,
            samples: values.map { UInt8(min(max($0.rounded(), 0), 255)) })
    }

    /// The picture with the colours around the white of the grey `mask` grown over it, coarser the farther in.
    package func filled(under mask: Image) -> Image {
        precondition(mask.channels == 1 && mask.width == width && mask.height == height, "a mask of its size")
        let weights = mask.samples.map { 1 - Float($0) / 255 }
        let level = FillLevel(
            width: width, height: height, channels: channels,
            colours: samples.enumerated().map { Float($0.element) * weights[$0.offset / channels] }, weights: weights)
        let colours = level.filled()
        let samples = [UInt8](unsafeUninitializedCapacity: colours.count) { buffer, count in
            count = colours.count
            for at in 0..<count { buffer[at] = UInt8(min(max(colours[at].rounded(), 0), 255)) }
        }
        return Image(width: width, height: height, channels: channels, samples: samples)
    }

    /// The least rectangle that holds every pixel of the grey picture that is not black; nil when all are.
    package var bounds: (x: Range<Int>, y: Range<Int>)? {
        precondition(channels == 1, "a mask is grey")
        var (left, right, top, bottom) = (width, -1, height, -1)
        for line in 0..<height {
            for column in 0..<width where samples[line * width + column] > 0 {
                (left, right) = (min(left, column), max(right, column))
                (top, bottom) = (min(top, line), max(bottom, line))
            }
        }
        return right < 0 ? nil : (left..<right + 1, top..<bottom + 1)
    }
}

/// A picture whose pixels are known in part: colours times weights, and weights 0 to 1.
private struct FillLevel {
    let width, height, channels: Int
    var colours, weights: [Float]

    /// Every pixel's colour, those of unknown ones from the level of half the size.
    func filled() -> [Float] {
        let isComplete = weights.allSatisfy { $0 >= 1 }
        guard !isComplete, width > 1 || height > 1 else {
            return colours.indices.map { colours[$0] / max(weights[$0 / channels], 1e-6) }
        }
        let half = halved()
        let coarse = half.filled()
        var filled = [Float](repeating: 0, count: colours.count)
        for line in 0..<height {
            for column in 0..<width {
                let pixel = line * width + column
                let missing = 1 - weights[pixel]
                for channel in 0..<channels {
                    let at = pixel * channels + channel
                    filled[at] =
                        missing <= 0
                        ? colours[at] : colours[at] + missing * half.sample(coarse, line, column, channel)
                }
            }
        }
        return filled
    }

    /// Sums of two by two pixels, their weights at most 1.
    private func halved() -> FillLevel {
        let (w, h) = ((width + 1) / 2, (height + 1) / 2)
        var half = FillLevel(
            width: w, height: h, channels: channels, colours: [Float](repeating: 0, count: w * h * channels),
            weights: [Float](repeating: 0, count: w * h))
        for line in 0..<height {
            for column in 0..<width {
                let (from, to) = (line * width + column, line / 2 * w + column / 2)
                half.weights[to] += weights[from]
                for channel in 0..<channels {
                    half.colours[to * channels + channel] += colours[from * channels + channel]
                }
            }
        }
        for pixel in half.weights.indices where half.weights[pixel] > 1 {
            for channel in 0..<channels { half.colours[pixel * channels + channel] /= half.weights[pixel] }
            half.weights[pixel] = 1
        }
        return half
    }

    /// Bilinear between the pixels of this level, at a pixel of the level of twice the size.
    private func sample(_ values: [Float], _ line: Int, _ column: Int, _ channel: Int) -> Float {
        func places(_ place: Int, _ count: Int) -> (Int, Int, Float) {
            let centre = (Float(place) - 0.5) / 2
            let low = Int(centre.rounded(.down))
            return (min(max(low, 0), count - 1), min(max(low + 1, 0), count - 1), centre - Float(low))
        }
        let (left, right, across) = places(column, width)
        let (top, bottom, down) = places(line, height)
        func value(_ y: Int, _ x: Int) -> Float { values[(y * width + x) * channels + channel] }
        let upper = value(top, left) * (1 - across) + value(top, right) * across
        let lower = value(bottom, left) * (1 - across) + value(bottom, right) * across
        return upper * (1 - down) + lower * down
    }
}
