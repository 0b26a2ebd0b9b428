// Decoding PNG, JPEG and WebP, with limits checked against the header before anything is allocated.

internal import CImages
import Vocabulary

/// How much a picture from outside may cost.
package struct ImageLimits: Sendable, Equatable {
    /// Length of the file.
    package var bytes = 64 << 20
    /// Longest side, in pixels.
    package var side = 16384
    package var pixels = 64_000_000
    /// Samples after decoding; libjpeg may take three times as much while it decodes a progressive file.
    package var decodedBytes = 256 << 20

    package init() {}
}

extension Image {
    /// What a picture's header says.
    package struct Header: Sendable, Equatable {
        package let format: ImageFormat
        /// As stored, before the orientation is applied.
        package let width, height: Int
        /// Channels that decoding gives.
        package let channels: Int
        /// EXIF orientation, 1 to 8.
        package let orientation: Int
        /// The colours' profile; without one they are taken for sRGB, as browsers do.
        package let profile: ColorProfile?
    }

    /// Reads and checks the header only. O(size of metadata).
    package static func header(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws(ImageError) -> Header {
        let format = try ImageFormat(bytes)
        guard bytes.count <= limits.bytes else { throw .tooLarge(.bytes, found: bytes.count, limit: limits.bytes) }
        let header: Header
        switch format {
        case .png: header = try pngHeader(bytes, limits)
        case .jpeg: header = try jpegHeader(bytes, limits)
        case .webp: header = try webpHeader(bytes, limits)
        }
        return header
    }

    /// Decodes a picture, its colours brought to sRGB by its profile and turned upright by its EXIF orientation unless told
    /// otherwise. A profile that cannot be read, or is for other channels, counts as absent.
    package static func decode(
        _ bytes: [UInt8], limits: ImageLimits = ImageLimits(), upright: Bool = true
    ) throws(ImageError) -> Image {
        let header = try header(bytes, limits: limits)
        let pixels = header.width * header.height
        // Inks stay four until the profile has read them.
        let hasInks = header.profile?.channels == 4 && header.channels == 3
        let count = pixels * (hasInks ? 4 : header.channels)
        var message = lz_image_message()
        var status = LZ_IMAGE_OK
        var samples = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let (width, height) = (UInt32(header.width), UInt32(header.height))
            switch header.format {
            case .png:
                status = lz_png_decode(
                    bytes, bytes.count, width, height, UInt32(header.channels), buffer.baseAddress, &message)
            case .jpeg:
                status = decodeJPEG(bytes, limits, keepsInks: hasInks, into: buffer.baseAddress, &message)
            case .webp:
                status = lz_webp_decode(
                    bytes, bytes.count, width, height, UInt32(header.channels), buffer.baseAddress, &message)
            }
            filled = status == LZ_IMAGE_OK ? count : 0
        }
        if let error = error(status, header.format, message, bytes: count) { throw error }
        if let profile = header.profile {
            if let converted = profile.toSRGB(samples, channels: hasInks ? 4 : header.channels) {
                samples = converted
            } else if hasInks {
                throw .corrupt(format: header.format.name, "its profile \"\(profile.name)\" cannot read its inks")
            }
        }
        let image = Image(width: header.width, height: header.height, channels: header.channels, samples: samples)
        return upright ? image.upright(from: header.orientation) : image
    }

    private static func decodeJPEG(
        _ bytes: [UInt8], _ limits: ImageLimits, keepsInks: Bool, into pixels: UnsafeMutablePointer<UInt8>?,
        _ message: inout lz_image_message
    ) -> lz_image_status {
        var frame = lz_jpeg_header()
        let status = lz_jpeg_read_header(bytes, bytes.count, &frame, &message)
        guard status == LZ_IMAGE_OK else { return status }
        return lz_jpeg_decode(bytes, bytes.count, &frame, 3 * limits.decodedBytes, keepsInks, pixels, &message)
    }

    private static func pngHeader(_ bytes: [UInt8], _ limits: ImageLimits) throws(ImageError) -> Header {
        let file = PNGFile(bytes: bytes)
        let header = try file.header()
        try check(header.width, header.height, header.channels, limits)
        guard !header.isAnimated else { throw .unsupported(format: "an animated PNG") }
        // Deflate turns one byte into 1032 at most, so a claim beyond that needs no memory to be refuted.
        guard header.rawBytes / 1032 <= bytes.count else { throw .truncated(format: "PNG") }
        return Header(
            format: .png, width: header.width, height: header.height, channels: header.channels,
            orientation: Exif(header.exif).orientation, profile: file.profile)
    }

    private static func jpegHeader(_ bytes: [UInt8], _ limits: ImageLimits) throws(ImageError) -> Header {
        var message = lz_image_message()
        var frame = lz_jpeg_header()
        let status = lz_jpeg_read_header(bytes, bytes.count, &frame, &message)
        if let error = error(status, .jpeg, message, bytes: 0) { throw error }
        let (width, height) = (Int(frame.width), Int(frame.height))
        guard width > 0, height > 0 else { throw .corrupt(format: "JPEG", "it claims \(width) by \(height) pixels") }
        let channels = frame.components == 1 ? 1 : 3
        try check(width, height, channels, limits)
        // Huffman codes take a bit for each block of 8 × 8 samples at least, and sampling spreads a block over 16 at most.
        guard frame.arithmetic || width * height / 8192 <= bytes.count else { throw .truncated(format: "JPEG") }
        let file = JPEGFile(bytes: bytes)
        // Only four components can be inks; a profile for inks in another file is a mistake.
        let profile = file.profile.flatMap { $0.channels == 4 && frame.components != 4 ? nil : $0 }
        return Header(
            format: .jpeg, width: width, height: height, channels: channels, orientation: Exif(file.exif).orientation,
            profile: profile)
    }

    private static func webpHeader(_ bytes: [UInt8], _ limits: ImageLimits) throws(ImageError) -> Header {
        var message = lz_image_message()
        var header = lz_webp_header()
        let status = lz_webp_read_header(bytes, bytes.count, &header, &message)
        if let error = error(status, .webp, message, bytes: 0) { throw error }
        let (width, height, channels) = (Int(header.width), Int(header.height), header.has_alpha ? 4 : 3)
        guard width > 0, height > 0 else { throw .corrupt(format: "WebP", "it claims \(width) by \(height) pixels") }
        try check(width, height, channels, limits)
        guard !header.is_animated else { throw .unsupported(format: "an animated WebP") }
        let file = WebPFile(bytes: bytes)
        return Header(
            format: .webp, width: width, height: height, channels: channels,
            orientation: Exif(file.exif).orientation, profile: file.profile)
    }

    private static func check(
        _ width: Int, _ height: Int, _ channels: Int, _ limits: ImageLimits
    ) throws(ImageError) {
        let side = max(width, height)
        guard side <= limits.side else { throw .tooLarge(.side, found: side, limit: limits.side) }
        let pixels = width * height
        guard pixels <= limits.pixels else { throw .tooLarge(.pixels, found: pixels, limit: limits.pixels) }
        guard pixels * channels <= limits.decodedBytes else {
            throw .tooLarge(.decodedBytes, found: pixels * channels, limit: limits.decodedBytes)
        }
    }

    private static func error(
        _ status: lz_image_status, _ format: ImageFormat, _ message: lz_image_message, bytes: Int
    ) -> ImageError? {
        switch status {
        case LZ_IMAGE_OK: nil
        case LZ_IMAGE_TRUNCATED: .truncated(format: format.name)
        case LZ_IMAGE_UNSUPPORTED: .unsupported(format: "a \(format.name) of an unusual kind (\(text(message)))")
        case LZ_IMAGE_MEMORY: .memory(bytes: bytes)
        default: .corrupt(format: format.name, text(message))
        }
    }
}

/// The library's words.
func text(_ message: lz_image_message) -> String {
    withUnsafeBytes(of: message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

func crc32(_ bytes: [UInt8]) -> UInt32 { lz_crc32(bytes, bytes.count) }
