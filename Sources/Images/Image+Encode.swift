// Encoding PNG, JPEG and WebP with the recipe of the picture.

internal import CImages
internal import CKernels
import Vocabulary

extension Image {
    /// Encodes as PNG with zlib `level` 0 to 9; `metadata` goes into text chunks before the pixels.
    package func png(level: Int = 6, metadata: Metadata = Metadata()) throws(ImageError) -> [UInt8] {
        guard (0...9).contains(level) else { throw .encoding("PNG level \(level) is not 0 to 9") }
        let chunks = try metadata.pngChunks()
        var message = lz_image_message()
        var encoded = lz_bytes()
        let status = lz_png_encode(
            samples, UInt32(width), UInt32(height), UInt32(channels), Int32(level), lz_goes_on, &encoded, &message)
        let file = try take(encoded, status, message)
        // The signature and the header chunk take 33 bytes.
        return file.prefix(33) + chunks + file.dropFirst(33)
    }

    /// Encodes as JPEG with `quality` 1 to 100; alpha is composed over white. Chroma has full resolution (4:4:4) or, when
    /// `fullChroma` is false, half of it (4:2:0).
    package func jpeg(
        quality: Int = 95, fullChroma: Bool = true, metadata: Metadata = Metadata()
    ) throws(ImageError) -> [UInt8] {
        guard (1...100).contains(quality) else { throw .encoding("JPEG quality \(quality) is not 1 to 100") }
        guard max(width, height) <= 65500 else { throw .tooLarge(.side, found: max(width, height), limit: 65500) }
        let image = channels == 4 ? rgb() : self
        let segments = try metadata.jpegSegments(width: width, height: height)
        // One buffer keeps all segments in place while libjpeg reads them.
        let joined = segments.flatMap { $0 }
        var message = lz_image_message()
        var encoded = lz_bytes()
        let status = joined.withUnsafeBufferPointer { buffer in
            var start = 0
            let places = segments.map { segment in
                defer { start += segment.count }
                return lz_jpeg_segment(data: buffer.baseAddress.map { $0 + start }, count: segment.count)
            }
            return lz_jpeg_encode(
                image.samples, UInt32(width), UInt32(height), UInt32(image.channels), Int32(quality), fullChroma,
                places,
                places.count, lz_goes_on, &encoded, &message)
        }
        return Array(try take(encoded, status, message))
    }

    /// Encodes as WebP with `quality` 1 to 100, of which 100 is lossless.
    package func webp(quality: Int = 95, metadata: Metadata = Metadata()) throws(ImageError) -> [UInt8] {
        guard (1...100).contains(quality) else { throw .encoding("WebP quality \(quality) is not 1 to 100") }
        let longest = 16383
        guard max(width, height) <= longest else { throw .tooLarge(.side, found: max(width, height), limit: longest) }
        let image = channels == 1 ? rgb() : self
        let (exif, xmp) = try metadata.webpChunks(width: width, height: height)
        var message = lz_image_message()
        var encoded = lz_bytes()
        let status = lz_webp_encode(
            image.samples, UInt32(width), UInt32(height), UInt32(image.channels), Int32(quality), lz_goes_on, &encoded,
            &message)
        let file = try take(encoded, status, message)
        guard exif != nil || xmp != nil else { return file }
        return WebPFile.wrapping(
            file, width: width, height: height, exif: exif, xmp: xmp, hasAlpha: image.channels == 4)
    }

    /// Encodes as `format` with its defaults.
    package func encoded(as format: ImageFormat, metadata: Metadata = Metadata()) throws(ImageError) -> [UInt8] {
        switch format {
        case .png: try png(metadata: metadata)
        case .jpeg: try jpeg(metadata: metadata)
        case .webp: try webp(metadata: metadata)
        }
    }

    private func take(
        _ encoded: lz_bytes, _ status: lz_image_status, _ message: lz_image_message
    ) throws(ImageError) -> [UInt8] {
        defer { lz_bytes_free(encoded) }
        guard status != LZ_IMAGE_MEMORY else { throw .memory(bytes: samples.count) }
        guard status != LZ_IMAGE_STOPPED else { throw .stopped }
        guard status == LZ_IMAGE_OK else { throw .encoding(text(message)) }
        return Array(UnsafeBufferPointer(start: encoded.data, count: encoded.count))
    }
}
