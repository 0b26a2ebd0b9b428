// Colour profiles of pictures: where the formats keep them, and the way to sRGB, in which every model works.
//
// Format   ICC.1:2022; annex B tells how PNG, JPEG and others embed a profile

internal import CImages

/// A profile that a picture carries.
package struct ColorProfile: Sendable, Equatable {
    let bytes: [UInt8]
    /// The profile's own name, such as "Display P3".
    package let name: String
    /// Channels of its colours: 1 grey, 3 RGB, 4 inks.
    package let channels: Int

    static let longest = 4 << 20

    /// nil when the bytes are no profile.
    init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= Self.longest else { return nil }
        var facts = lz_profile_facts()
        guard lz_profile_read(bytes, bytes.count, &facts) else { return nil }
        self.bytes = bytes
        name = text(facts.name)
        channels = Int(facts.channels)
    }

    /// The samples of a picture in sRGB; nil when the profile is for other channels. Inks become RGB.
    func toSRGB(_ samples: [UInt8], channels: Int) -> [UInt8]? {
        let pixels = samples.count / max(1, channels)
        let wide = self.channels == 4 ? 3 : channels
        var isConverted = false
        let converted = [UInt8](unsafeUninitializedCapacity: pixels * wide) { buffer, count in
            isConverted = lz_profile_to_srgb(
                bytes, bytes.count, UInt32(channels), pixels, samples, buffer.baseAddress)
            count = isConverted ? pixels * wide : 0
        }
        return isConverted ? converted : nil
    }
}

extension PNGFile {
    /// The profile of an iCCP chunk, inflated up to a bound.
    var profile: ColorProfile? {
        var profile: ColorProfile?
        each { chunk in
            guard chunk.type != "IDAT" else { return false }
            guard chunk.type == "iCCP" else { return true }
            // A name, a zero, the method, then the deflated profile.
            if let end = chunk.data.firstIndex(of: 0), chunk.data.endIndex - end > 2, chunk.data[end + 1] == 0 {
                profile = inflated(chunk.data[(end + 2)...], limit: ColorProfile.longest).flatMap(ColorProfile.init)
            }
            return false
        }
        return profile
    }
}

extension JPEGFile {
    private static let profilePrefix = Array("ICC_PROFILE\0".utf8)

    /// The profile of the APP2 segments, which number their parts.
    var profile: ColorProfile? {
        var parts: [Int: ArraySlice<UInt8>] = [:]
        var count = 0
        each { marker, content in
            if marker == 0xE2, content.starts(with: Self.profilePrefix), content.count > 14 {
                parts[Int(content[content.startIndex + 12])] = content.dropFirst(14)
                count = Int(content[content.startIndex + 13])
            }
            return true
        }
        guard count > 0, (1...count).allSatisfy({ parts[$0] != nil }) else { return nil }
        return ColorProfile((1...count).flatMap { parts[$0] ?? [] })
    }
}

extension WebPFile {
    var profile: ColorProfile? { ColorProfile(Array(self["ICCP"])) }
}

/// Inflates at most `limit` bytes; nil when the data is malformed or longer.
func inflated(_ bytes: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
    let compressed = Array(bytes)
    // Deflate's ratio is below 1032, so a small chunk needs no large buffer.
    let capacity = min(limit, compressed.count * 1032 + 64)
    var isWhole = false
    let content = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        isWhole = lz_inflate(compressed, compressed.count, buffer.baseAddress, capacity, &count)
        if !isWhole { count = 0 }
    }
    return isWhole ? content : nil
}
