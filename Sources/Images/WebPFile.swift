// The chunks of a WebP, walked without decoding, and a container with metadata around an encoded picture.
//
// Format   https://developers.google.com/speed/webp/docs/riff_container

struct WebPFile {
    let bytes: [UInt8]

    /// Content of the first chunk of a type, such as "EXIF"; empty when there is none.
    subscript(_ type: String) -> ArraySlice<UInt8> {
        var found: ArraySlice<UInt8> = []
        each { name, content in
            if name == type { found = content }
            return found.isEmpty
        }
        return found
    }

    /// The TIFF structure of the EXIF chunk; some writers put JPEG's prefix before it.
    var exif: ArraySlice<UInt8> {
        let content = self["EXIF"]
        return content.starts(with: JPEGFile.exifPrefix) ? content.dropFirst(JPEGFile.exifPrefix.count) : content
    }

    /// Calls `body` with type and content of every chunk until it returns false or the bytes end.
    func each(_ body: (String, ArraySlice<UInt8>) -> Bool) {
        var offset = 12
        while bytes.count - offset >= 8 {
            let type = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
            let length = Int(littleEndian32(bytes, offset + 4))
            guard length <= bytes.count - offset - 8 else { return }
            guard body(type, bytes[offset + 8..<offset + 8 + length]) else { return }
            offset += 8 + length + length % 2
        }
    }

    private enum Flag {
        static let exif: UInt8 = 0x08
        static let xmp: UInt8 = 0x04
        static let alpha: UInt8 = 0x10
    }

    /// The picture of a WebP that libwebp wrote, in the extended container with these chunks behind it.
    static func wrapping(
        _ picture: [UInt8], width: Int, height: Int, exif: [UInt8]?, xmp: [UInt8]?, hasAlpha: Bool
    ) -> [UInt8] {
        var chunks: [UInt8] = []
        WebPFile(bytes: picture).each { type, content in
            if type != "VP8X" { chunks += chunk(type, content) }
            return true
        }
        var flags: UInt8 = hasAlpha ? Flag.alpha : 0
        if let exif {
            flags |= Flag.exif
            chunks += chunk("EXIF", exif[...])
        }
        if let xmp {
            flags |= Flag.xmp
            chunks += chunk("XMP ", xmp[...])
        }
        let size = [width - 1, height - 1].flatMap { littleEndian(UInt32($0)).prefix(3) }
        let body = Array("WEBP".utf8) + chunk("VP8X", [flags, 0, 0, 0] + size) + chunks
        return Array("RIFF".utf8) + littleEndian(UInt32(body.count)) + body
    }

    private static func chunk(_ type: String, _ content: ArraySlice<UInt8>) -> [UInt8] {
        Array(type.utf8) + littleEndian(UInt32(content.count)) + content
            + [UInt8](repeating: 0, count: content.count % 2)
    }
}

private func littleEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

private func littleEndian32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * $1) }
}
