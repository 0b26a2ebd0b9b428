// Colours and alpha of a picture apart, so that each can be resampled, and together again.

extension Image {
    /// The colours alone, where those of clear pixels, which nobody sees, follow their visible neighbours up to `reach`
    /// pixels away: else they would show at the edges once the picture is resampled.
    package func colours(reach: Int = 32) -> Image {
        guard channels == 4 else { return self }
        let pixels = width * height
        var colours = [UInt8](unsafeUninitializedCapacity: 3 * pixels) { buffer, count in
            count = 3 * pixels
            for pixel in 0..<pixels {
                for channel in 0..<3 { buffer[3 * pixel + channel] = samples[4 * pixel + channel] }
            }
        }
        // Pixels by the ring in which they got a colour: 0 for those that have one of their own.
        var ring = [UInt8](repeating: .max, count: pixels)
        var front: [Int] = []
        for pixel in 0..<pixels where samples[4 * pixel + 3] > 0 { ring[pixel] = 0 }
        guard ring.contains(.max) else { return Image(width: width, height: height, channels: 3, samples: colours) }
        for pixel in 0..<pixels where ring[pixel] == 0 {
            eachNeighbour(of: pixel) { if ring[$0] == .max { front.append($0) } }
        }
        for number in 1...UInt8(clamping: max(1, min(reach, 254))) {
            guard !front.isEmpty else { break }
            let members = Set(front)
            for pixel in members { ring[pixel] = number }
            front = []
            for pixel in members {
                var sums = [0, 0, 0, 0]
                eachNeighbour(of: pixel) { near in
                    guard ring[near] < number else { return }
                    for channel in 0..<3 { sums[channel] += Int(colours[3 * near + channel]) }
                    sums[3] += 1
                }
                for channel in 0..<3 where sums[3] > 0 {
                    colours[3 * pixel + channel] = UInt8((sums[channel] + sums[3] / 2) / sums[3])
                }
                eachNeighbour(of: pixel) { if ring[$0] == .max { front.append($0) } }
            }
        }
        return Image(width: width, height: height, channels: 3, samples: colours)
    }

    /// The colours with `alpha`, a grey picture of the same size.
    package func with(alpha: Image) -> Image {
        precondition(alpha.channels == 1 && alpha.width == width && alpha.height == height, "an alpha for each pixel")
        let rgb = rgb().samples
        let joined = [UInt8](unsafeUninitializedCapacity: 4 * width * height) { buffer, count in
            count = 4 * width * height
            for pixel in 0..<width * height {
                for channel in 0..<3 { buffer[4 * pixel + channel] = rgb[3 * pixel + channel] }
                buffer[4 * pixel + 3] = alpha.samples[pixel]
            }
        }
        return Image(width: width, height: height, channels: 4, samples: joined)
    }

    private func eachNeighbour(of pixel: Int, _ body: (Int) -> Void) {
        let (x, y) = (pixel % width, pixel / width)
        for line in max(0, y - 1)...min(height - 1, y + 1) {
            for column in max(0, x - 1)...min(width - 1, x + 1) where line != y || column != x {
                body(line * width + column)
            }
        }
    }
}
