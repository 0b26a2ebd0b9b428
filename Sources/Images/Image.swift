// A picture of 8-bit samples.

/// Interleaved 8-bit samples [height, width, channels], rows from the top; channels are 1 (grey), 3 (RGB) or 4 (RGB and
/// alpha, not premultiplied).
package struct Image: Sendable, Equatable {
    package let width, height, channels: Int
    package private(set) var samples: [UInt8]

    /// Takes `samples`, of which there must be width × height × channels.
    package init(width: Int, height: Int, channels: Int, samples: [UInt8]) {
        precondition(width > 0 && height > 0 && [1, 3, 4].contains(channels), "no picture has this shape")
        precondition(samples.count == width * height * channels, "samples do not fill the picture")
        self.width = width
        self.height = height
        self.channels = channels
        self.samples = samples
    }

    /// A picture of one colour; `color` has a value for every channel.
    package init(width: Int, height: Int, color: [UInt8]) {
        let samples = [UInt8](unsafeUninitializedCapacity: width * height * color.count) { buffer, count in
            for index in 0..<buffer.count { buffer[index] = color[index % color.count] }
            count = buffer.count
        }
        self.init(width: width, height: height, channels: color.count, samples: samples)
    }

    /// The sample of `channel` at column `x` and row `y`.
    package subscript(x: Int, y: Int, channel: Int) -> UInt8 {
        get { samples[(y * width + x) * channels + channel] }
        set { samples[(y * width + x) * channels + channel] = newValue }
    }

    /// The same picture with 3 channels: grey repeated, alpha composed over `background` [R, G, B].
    package func rgb(over background: [UInt8] = [255, 255, 255]) -> Image {
        precondition(background.count == 3, "a background is red, green and blue")
        if channels == 3 { return self }
        let rgb = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
            count = width * height * 3
            for pixel in 0..<width * height {
                for channel in 0..<3 {
                    buffer[3 * pixel + channel] =
                        channels == 1
                        ? samples[pixel]
                        : blend(samples[4 * pixel + channel], background[channel], alpha: samples[4 * pixel + 3])
                }
            }
        }
        return Image(width: width, height: height, channels: 3, samples: rgb)
    }

    /// The same picture with 1 channel: luma of Rec. 601 as Pillow rounds it, alpha composed over white.
    package func grey() -> Image {
        if channels == 1 { return self }
        let rgb = rgb().samples
        let grey = [UInt8](unsafeUninitializedCapacity: width * height) { buffer, count in
            count = width * height
            for pixel in 0..<count {
                let (r, g, b) = (Int(rgb[3 * pixel]), Int(rgb[3 * pixel + 1]), Int(rgb[3 * pixel + 2]))
                buffer[pixel] = UInt8((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16)
            }
        }
        return Image(width: width, height: height, channels: 1, samples: grey)
    }

    /// The alpha channel as a grey picture; nil when there is none.
    package var alpha: Image? {
        guard channels == 4 else { return nil }
        let alpha = (0..<width * height).map { samples[4 * $0 + 3] }
        return Image(width: width, height: height, channels: 1, samples: alpha)
    }
}

/// (a·alpha + b·(255 − alpha))/255, rounded.
private func blend(_ a: UInt8, _ b: UInt8, alpha: UInt8) -> UInt8 {
    let sum = Int(a) * Int(alpha) + Int(b) * (255 - Int(alpha))
    return UInt8((sum + 127) / 255)
}
