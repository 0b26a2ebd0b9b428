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
        static let horizontalResolution: UInt16 = 0x011A
        static let verticalResolution: UInt16 = 0x011B
        static let resolutionUnit: UInt16 = 0x0128
        static let chromaPosition: UInt16 = 0x0213
        static let exifFolder: UInt16 = 0x8769
        static let version: UInt16 = 0x9000
        static let components: UInt16 = 0x9101
        static let comment: UInt16 = 0x9286
        static let flashpix: UInt16 = 0xA000
        static let colorSpace: UInt16 = 0xA001
        static let width: UInt16 = 0xA002
        static let height: UInt16 = 0xA003
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

    /// A block for a picture of this size with every tag that Exif 2.32 asks of a compressed primary image, big-endian as
    /// A1111 writes it so that UTF-16 needs no mark; nil when there is neither description nor comment to carry.
    func encoded(width: Int, height: Int) -> [UInt8]? {
        guard description != nil || comment != nil else { return nil }
        var first = TIFFFolder()
        if let description { first.add(Tag.description, type: 2, count: nil, Array(description.utf8) + [0]) }
        // 72 dots an inch: Exif's word for "unknown".
        for tag in [Tag.horizontalResolution, Tag.verticalResolution] {
            first.add(tag, type: 5, count: 1, bigEndian(72) + bigEndian(1))
        }
        first.add(Tag.resolutionUnit, type: 3, count: 1, big16(2))
        first.add(Tag.chromaPosition, type: 3, count: 1, big16(1))
        var second = TIFFFolder()
        second.add(Tag.version, type: 7, count: nil, Array("0232".utf8))
        // Y, Cb, Cr, none.
        second.add(Tag.components, type: 7, count: nil, [1, 2, 3, 0])
        if let comment {
            second.add(Tag.comment, type: 7, count: nil, Array("UNICODE\0".utf8) + comment.utf16.flatMap(big16))
        }
        second.add(Tag.flashpix, type: 7, count: nil, Array("0100".utf8))
        second.add(Tag.colorSpace, type: 3, count: 1, big16(1))  // sRGB
        second.add(Tag.width, type: 4, count: 1, bigEndian(UInt32(width)))
        second.add(Tag.height, type: 4, count: 1, bigEndian(UInt32(height)))
        let start = 8
        first.add(Tag.exifFolder, type: 4, count: 1, bigEndian(UInt32(start + first.length(with: 1))))
        return Array("MM\0*".utf8) + bigEndian(UInt32(start)) + first.encoded(at: start)
            + second.encoded(at: start + first.length(with: 0))
    }
}

/// A folder of tags to be written, in ascending order of the tags.
private struct TIFFFolder {
    private var entries: [(tag: UInt16, type: UInt16, count: Int, value: [UInt8])] = []

    /// `count` values of a type in big-endian bytes; nil: as many as there are bytes.
    mutating func add(_ tag: UInt16, type: UInt16, count: Int?, _ value: [UInt8]) {
        entries.append((tag, type, count ?? value.count, value))
    }

    /// Bytes of the folder and the values that do not fit into their entries, with `more` entries that do.
    func length(with more: Int) -> Int {
        2 + 12 * (entries.count + more) + 4 + entries.reduce(0) { $0 + Self.room($1.value) }
    }

    func encoded(at start: Int) -> [UInt8] {
        var folder = big16(UInt16(entries.count))
        var values: [UInt8] = []
        let valueStart = start + 2 + 12 * entries.count + 4
        for entry in entries.sorted(by: { $0.tag < $1.tag }) {
            folder += big16(entry.tag) + big16(entry.type) + bigEndian(UInt32(entry.count))
            guard entry.value.count > 4 else {
                folder += entry.value + [UInt8](repeating: 0, count: 4 - entry.value.count)
                continue
            }
            folder += bigEndian(UInt32(valueStart + values.count))
            values += entry.value + [UInt8](repeating: 0, count: entry.value.count % 2)
        }
        return folder + bigEndian(0) + values
    }

    private static func room(_ value: [UInt8]) -> Int { value.count > 4 ? value.count + value.count % 2 : 0 }
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
