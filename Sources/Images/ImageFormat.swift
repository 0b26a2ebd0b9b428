// What kind of picture bytes are, by their first bytes.

package import Vocabulary

/// The formats that are read and written.
package typealias ImageFormat = Vocabulary.ImageFormat

extension Vocabulary.ImageFormat {
    package var name: String {
        switch self {
        case .png: "PNG"
        case .jpeg: "JPEG"
        case .webp: "WebP"
        }
    }

    /// Recognises `bytes`; throws `unsupported` with the name of a known format that is not read.
    package init(_ bytes: [UInt8]) throws(ImageError) {
        guard !bytes.isEmpty else { throw .empty }
        if bytes.starts(with: PNGFile.signature) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            self = .webp
        } else if let name = Self.unread(bytes) {
            throw .unsupported(format: name)
        } else if PNGFile.signature.starts(with: bytes) {
            throw .truncated(format: "PNG")
        } else if bytes.starts(with: [0xFF, 0xD8]) || bytes == [0xFF] {
            throw .truncated(format: "JPEG")
        } else {
            throw .unrecognised(firstBytes: Array(bytes.prefix(8)))
        }
    }

    /// The name of a common format that is not read.
    private static func unread(_ bytes: [UInt8]) -> String? {
        func at(_ offset: Int, _ text: String) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        if at(0, "GIF8") { return "GIF" }
        if at(4, "ftyp") {
            let brand = String(decoding: bytes.dropFirst(8).prefix(4), as: UTF8.self)
            switch brand {
            case "avif", "avis": return "AVIF"
            case "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1": return "HEIC"
            default: return "an ISO media file (\(brand.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }))"
            }
        }
        if at(0, "II*\0") || at(0, "MM\0*") || at(0, "II+\0") || at(0, "MM\0+") { return "TIFF" }
        if at(0, "BM") && bytes.count > 14 && bytes[6..<10].allSatisfy({ $0 == 0 }) { return "BMP" }
        if at(4, "JXL ") || bytes.starts(with: [0xFF, 0x0A]) { return "JPEG XL" }
        if at(4, "jP  ") { return "JPEG 2000" }
        if at(0, "8BPS") { return "a Photoshop document" }
        if at(0, "%PDF") { return "PDF" }
        if at(0, "qoif") { return "QOI" }
        if bytes.starts(with: [0, 0, 1, 0]) { return "an icon file" }
        if at(0, "<svg") || at(0, "<?xml") { return "SVG or XML" }
        return nil
    }
}
