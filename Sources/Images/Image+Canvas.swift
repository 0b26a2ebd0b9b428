// Pictures cut, laid into each other and grown.

extension Image {
    /// The part of `width` × `height` pixels whose corner is (x, y); it must lie in the picture.
    package func cropped(x: Int, y: Int, width: Int, height: Int) -> Image {
        precondition(
            x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= self.width && y + height <= self.height,
            "the part lies in the picture")
        if width == self.width && height == self.height { return self }
        var part: [UInt8] = []
        part.reserveCapacity(width * height * channels)
        for line in y..<y + height {
            let start = (line * self.width + x) * channels
            part += samples[start..<start + width * channels]
        }
        return Image(width: width, height: height, channels: channels, samples: part)
    }

    /// The picture with `other`, of as many channels, laid into it at (x, y); what lies outside is cut off.
    package func pasting(_ other: Image, x: Int, y: Int) -> Image {
        precondition(other.channels == channels, "pictures of one kind")
        var all = samples
        let columns = max(0, x)..<max(max(0, x), min(width, x + other.width))
        for line in max(0, y)..<max(max(0, y), min(height, y + other.height)) where !columns.isEmpty {
            let from = ((line - y) * other.width + columns.lowerBound - x) * channels
            let to = (line * width + columns.lowerBound) * channels
            let count = columns.count * channels
            all.replaceSubrange(to..<to + count, with: other.samples[from..<from + count])
        }
        return Image(width: width, height: height, channels: channels, samples: all)
    }

    /// The picture in the corner at (x, y) of a larger one, whose other pixels are `source` of their place.
    private func grown(
        width: Int, height: Int, x: Int, y: Int, _ source: (_ place: Int, _ count: Int) -> Int
    ) -> Image {
        if width == self.width && height == self.height { return self }
        let columns = (0..<width).map { source($0 - x, self.width) * channels }
        let grown = [UInt8](unsafeUninitializedCapacity: width * height * channels) { buffer, count in
            var at = 0
            for line in 0..<height {
                let start = source(line - y, self.height) * self.width * channels
                for column in columns {
                    for channel in 0..<channels { buffer[at + channel] = samples[start + column + channel] }
                    at += channels
                }
            }
            count = at
        }
        return Image(width: width, height: height, channels: channels, samples: grown)
    }

    /// A larger picture whose right and lower sides continue as a mirror image.
    package func mirrored(toWidth width: Int, height: Int) -> Image {
        precondition(width >= self.width && height >= self.height, "a larger picture")
        return grown(width: width, height: height, x: 0, y: 0) { place, count in
            // A side may be longer than the picture: the mirror image is then mirrored again.
            let period = max(1, 2 * count - 2)
            let folded = place % period
            return folded < count ? folded : period - folded
        }
    }

    /// A larger picture with this one at (x, y), whose outermost pixels go on to the sides.
    package func extended(width: Int, height: Int, x: Int, y: Int) -> Image {
        precondition(x >= 0 && y >= 0 && x + self.width <= width && y + self.height <= height, "a larger picture")
        return grown(width: width, height: height, x: x, y: y) { place, count in min(max(place, 0), count - 1) }
    }

    /// Where the grey `mask` is white this picture, where it is black `under`, and between in proportion.
    package func blended(over under: Image, mask: Image) -> Image {
        precondition(
            mask.channels == 1 && mask.width == width && mask.height == height && under.width == width
                && under.height == height && under.channels == channels, "pictures of one size and kind")
        let blended = [UInt8](unsafeUninitializedCapacity: samples.count) { buffer, count in
            count = samples.count
            for pixel in 0..<width * height {
                let weight = Int(mask.samples[pixel])
                for at in pixel * channels..<(pixel + 1) * channels {
                    let sum = Int(samples[at]) * weight + Int(under.samples[at]) * (255 - weight)
                    buffer[at] = UInt8((sum + 127) / 255)
                }
            }
        }
        return Image(width: width, height: height, channels: channels, samples: blended)
    }
}
