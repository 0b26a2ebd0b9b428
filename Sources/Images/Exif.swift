// EXIF: a TIFF structure of tagged values. Reading never fails: what is malformed counts as absent.
//
// Format   CIPA DC-008 (Exif 2.32), TIFF 6.0

/// The tags of an EXIF block that matter here.
struct Exif {
    /// 1 to 8; 1 when absent or malformed.
    var orientation = 1
    /// Tag 0x010E, as UTF-8.
    var description: String?
    /// Tag 0x9286.
    var comment: String?

    private enum Tag {
        static let description: UInt16 = 0x010E
        static let orientation: UInt16 = 0x0112
        static let exifFolder: UInt16 = 0x8769
        static let comment: UInt16 = 0x9286
    }

    init() {}

    /// Reads a block that begins with its byte order mark.
    init(_ block: ArraySlice<UInt8>) {
        let tiff = TIFF(block)
        guard let tiff, let first = tiff.word32(4) else { return }
        for entry in tiff.entries(at: Int(first)) {
            switch entry.tag {
            case Tag.orientation:
                guard entry.type == 3, let value = tiff.word16(entry.field), (1...8).contains(value) else { continue }
                orientation = Int(value)
            case Tag.description:
                description = tiff.content(entry).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            case Tag.exifFolder:
                guard let offset = tiff.word32(entry.field) else { continue }
                for inner in tiff.entries(at: Int(offset)) where inner.tag == Tag.comment {
                    comment = tiff.content(inner).flatMap { Self.comment($0, isBigEndian: tiff.isBigEndian) }
                }
            default: break
            }
        }
    }

    /// The text of a UserComment: eight bytes name its encoding.
    private static func comment(_ content: ArraySlice<UInt8>, isBigEndian: Bool) -> String? {
        let text = Array(content.dropFirst(8))
        if content.starts(with: "UNICODE\0".utf8) {
            var units: [UInt16] = []
            for index in stride(from: 0, to: text.count - 1, by: 2) {
                let (first, second) = (UInt16(text[index]), UInt16(text[index + 1]))
                units.append(isBigEndian ? first << 8 | second : second << 8 | first)
            }
            return String(decoding: units, as: UTF16.self)
        }
        if content.starts(with: "ASCII\0\0\0".utf8) { return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self) }
        return nil
    }

    /// The block with these tags, big-endian as A1111 writes it so that UTF-16 needs no mark; nil when both are absent.
    func encoded() -> [UInt8]? {
        guard description != nil || comment != nil else { return nil }
        var folders: [UInt8] = []
        var values: [UInt8] = []
        let descriptionBytes = description.map { Array($0.utf8) + [0] }
        let commentBytes = comment.map { Array("UNICODE\0".utf8) + $0.utf16.flatMap(big16) }
        let entryCount = (descriptionBytes == nil ? 0 : 1) + (commentBytes == nil ? 0 : 1)
        // Header, first folder, folder of EXIF, then the values.
        let second = 8 + 2 + 12 * entryCount + 4
        let valueStart = second + (commentBytes == nil ? 0 : 2 + 12 + 4)

        func entry(_ tag: UInt16, type: UInt16, count: Int, field: [UInt8]) -> [UInt8] {
            big16(tag) + big16(type) + bigEndian(UInt32(count)) + field
        }
        func place(_ bytes: [UInt8]) -> [UInt8] {
            guard bytes.count > 4 else { return bytes + [UInt8](repeating: 0, count: 4 - bytes.count) }
            let offset = valueStart + values.count
            values += bytes + [UInt8](repeating: 0, count: bytes.count % 2)
            return bigEndian(UInt32(offset))
        }
        folders += big16(UInt16(entryCount))
        if let descriptionBytes {
            let field = place(descriptionBytes)
            folders += entry(Tag.description, type: 2, count: descriptionBytes.count, field: field)
        }
        if let commentBytes {
            folders += entry(Tag.exifFolder, type: 4, count: 1, field: bigEndian(UInt32(second)))
            folders += bigEndian(0) + big16(1)
            let field = place(commentBytes)
            folders += entry(Tag.comment, type: 7, count: commentBytes.count, field: field)
        }
        return Array("MM\0*".utf8) + bigEndian(8) + folders + bigEndian(0) + values
    }
}

private func big16(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

/// A TIFF block: words in either byte order, folders of entries.
private struct TIFF {
    let bytes: ArraySlice<UInt8>
    let isBigEndian: Bool

    struct Entry {
        let tag, type: UInt16
        let count: Int
        /// Offset of the four bytes that hold the value or point to it.
        let field: Int
    }

    init?(_ block: ArraySlice<UInt8>) {
        bytes = block
        if block.starts(with: "MM\0*".utf8) {
            isBigEndian = true
        } else if block.starts(with: "II*\0".utf8) {
            isBigEndian = false
        } else {
            return nil
        }
    }

    private func byte(_ offset: Int) -> UInt32 { UInt32(bytes[bytes.startIndex + offset]) }

    func word16(_ offset: Int) -> UInt16? {
        guard offset >= 0, offset <= bytes.count - 2 else { return nil }
        let (a, b) = (byte(offset), byte(offset + 1))
        return UInt16(isBigEndian ? a << 8 | b : b << 8 | a)
    }

    func word32(_ offset: Int) -> UInt32? {
        guard let first = word16(offset), let second = word16(offset + 2) else { return nil }
        return isBigEndian ? UInt32(first) << 16 | UInt32(second) : UInt32(second) << 16 | UInt32(first)
    }

    /// The entries of the folder at `offset` that lie within the block.
    func entries(at offset: Int) -> [Entry] {
        guard let count = word16(offset) else { return [] }
        var entries: [Entry] = []
        for index in 0..<Int(count) {
            let start = offset + 2 + 12 * index
            guard let tag = word16(start), let type = word16(start + 2), let count = word32(start + 4),
                word32(start + 8) != nil
            else { break }
            entries.append(Entry(tag: tag, type: type, count: Int(count), field: start + 8))
        }
        return entries
    }

    /// The bytes of an entry of bytes or text.
    func content(_ entry: Entry) -> ArraySlice<UInt8>? {
        guard [1, 2, 7, 129].contains(entry.type) else { return nil }
        let start = entry.count <= 4 ? entry.field : word32(entry.field).map(Int.init) ?? .max
        guard start <= bytes.count, entry.count <= bytes.count - start else { return nil }
        return bytes[bytes.startIndex + start..<bytes.startIndex + start + entry.count]
    }
}
