// The chunks of a PNG, walked without decoding.
//
// Format   https://www.w3.org/TR/png-3/

/// A view of the chunks of a PNG. Nothing is checked beyond lengths; libpng checks the sums when it decodes.
struct PNGFile {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    let bytes: [UInt8]

    struct Chunk {
        let type: String
        let data: ArraySlice<UInt8>
    }

    /// Calls `body` with every chunk until it returns false or the bytes end. O(number of chunks).
    func each(_ body: (Chunk) -> Bool) {
        var offset = Self.signature.count
        while bytes.count - offset >= 12 {
            let length = Int(bigEndian32(bytes, offset))
            guard length <= bytes.count - offset - 12 else { return }
            let type = String(decoding: bytes[offset + 4..<offset + 8], as: UTF8.self)
            guard body(Chunk(type: type, data: bytes[offset + 8..<offset + 8 + length])) else { return }
            offset += 12 + length
        }
    }

    /// What the chunks before the pixels say.
    struct Header {
        var width = 0
        var height = 0
        var depth = 0
        var colorType = 0
        var isInterlaced = false
        var hasTransparency = false
        var isAnimated = false
        var exif: ArraySlice<UInt8> = []

        /// Channels after expansion: palettes become RGB, grey with alpha RGB with alpha.
        var channels: Int {
            let hasAlpha = hasTransparency || colorType & 4 != 0
            return hasAlpha ? 4 : colorType & 2 != 0 ? 3 : 1
        }

        /// Bytes of all rows before compression, with one filter byte each; a lower bound for interlaced pictures.
        var rawBytes: Int {
            let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colorType] ?? 1
            return height * (1 + (width * samples * depth + 7) / 8)
        }
    }

    func header() throws(ImageError) -> Header {
        guard bytes.count >= 33 else { throw .truncated(format: "PNG") }
        guard bigEndian32(bytes, 8) == 13, bytes[12..<16].elementsEqual("IHDR".utf8) else {
            throw .corrupt(format: "PNG", "it does not begin with a header")
        }
        var header = Header()
        header.width = Int(bigEndian32(bytes, 16))
        header.height = Int(bigEndian32(bytes, 20))
        header.depth = Int(bytes[24])
        header.colorType = Int(bytes[25])
        header.isInterlaced = bytes[28] == 1
        guard (1...0x7FFF_FFFF).contains(header.width), (1...0x7FFF_FFFF).contains(header.height) else {
            throw .corrupt(format: "PNG", "it claims \(header.width) by \(header.height) pixels")
        }
        guard [0, 2, 3, 4, 6].contains(header.colorType), [1, 2, 4, 8, 16].contains(header.depth) else {
            throw .corrupt(format: "PNG", "colour type \(header.colorType) with \(header.depth) bits does not exist")
        }
        each { chunk in
            switch chunk.type {
            case "tRNS": header.hasTransparency = true
            case "acTL": header.isAnimated = true
            case "eXIf": header.exif = chunk.data
            case "IDAT": return false
            default: break
            }
            return true
        }
        if header.exif.isEmpty { header.exif = exifAfterPixels() }
        return header
    }

    private func exifAfterPixels() -> ArraySlice<UInt8> {
        var exif: ArraySlice<UInt8> = []
        each { chunk in
            if chunk.type == "eXIf" { exif = chunk.data }
            return exif.isEmpty
        }
        return exif
    }

    /// A chunk with its length and sum, ready to be written.
    static func encode(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
    }
}

func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

/// The value at `offset`, of which four bytes must exist.
func bigEndian32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[offset + $1]) }
}
