// Samples as floating point, in the ranges that models read and write.
//
// Reference   diffusers `VaeImageProcessor`: u/255, then 2x − 1; back x/2 + 0.5, clamped, ·255, rounded half to even

extension Image {
    /// What 0 and 255 become.
    package enum FloatRange: Sendable {
        /// 0…1
        case unit
        /// −1…1
        case signed
    }

    /// Where the channels of a pixel stand.
    package enum FloatOrder: Sendable {
        /// [height, width, channels]
        case interleaved
        /// [channels, height, width]
        case planar
    }

    /// The samples in `range`.
    package func floats(_ range: FloatRange, _ order: FloatOrder = .interleaved) -> [Float] {
        // 256 values: the division is done once for each.
        let table = (0..<256).map { value in
            let unit = Float(value) / 255
            return range == .unit ? unit : 2 * unit - 1
        }
        let pixels = width * height
        return [Float](unsafeUninitializedCapacity: samples.count) { buffer, count in
            count = samples.count
            switch order {
            case .interleaved: for index in 0..<count { buffer[index] = table[Int(samples[index])] }
            case .planar:
                for channel in 0..<channels {
                    for pixel in 0..<pixels {
                        buffer[channel * pixels + pixel] = table[Int(samples[pixel * channels + channel])]
                    }
                }
            }
        }
    }

    /// A picture from values of `range`, of which there must be width × height × channels; what lies outside is clamped,
    /// NaN becomes 0.
    package init(
        width: Int, height: Int, channels: Int, _ values: [Float], _ range: FloatRange,
        _ order: FloatOrder = .interleaved
    ) {
        precondition(values.count == width * height * channels, "values do not fill the picture")
        let pixels = width * height
        let samples = [UInt8](unsafeUninitializedCapacity: values.count) { buffer, count in
            count = values.count
            switch order {
            case .interleaved: for index in 0..<count { buffer[index] = Self.sample(values[index], range) }
            case .planar:
                for channel in 0..<channels {
                    for pixel in 0..<pixels {
                        buffer[pixel * channels + channel] = Self.sample(values[channel * pixels + pixel], range)
                    }
                }
            }
        }
        self.init(width: width, height: height, channels: channels, samples: samples)
    }

    @inline(__always)
    private static func sample(_ value: Float, _ range: FloatRange) -> UInt8 {
        let unit = range == .unit ? value : value / 2 + 0.5
        // Written so that NaN fails both comparisons and gives 0.
        let clamped: Float = unit > 0 ? (unit < 1 ? unit : 1) : 0
        // Above 2²³ floats are integers, so the addition rounds, half to even, and the low byte is the value.
        return UInt8(truncatingIfNeeded: (clamped * 255 + 0x1p23).bitPattern)
    }
}
