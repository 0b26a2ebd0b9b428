// Small valid model files, and lies about them that must be found.

struct TensorEntry {
    var name: String
    var type = "F32"
    var shape: [Int]
    var begin, end: Int
}

/// A safetensors file of `entries` with `data` bytes.
func safetensors(_ entries: [TensorEntry], data: Int) -> [UInt8] {
    let parts = entries.map {
        #""\#($0.name)":{"dtype":"\#($0.type)","shape":\#($0.shape),"data_offsets":[\#($0.begin),\#($0.end)]}"#
    }
    let header = Array("{\"__metadata__\":{\"format\":\"pt\"},\(parts.joined(separator: ","))}".utf8)
    return little(UInt64(header.count)) + header + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

let honestEntries = [
    TensorEntry(name: "a.weight", shape: [4, 3], begin: 0, end: 48),
    TensorEntry(name: "a.bias", shape: [4], begin: 48, end: 64),
    TensorEntry(name: "b", type: "F16", shape: [2, 2, 2], begin: 64, end: 80),
]

/// A header that contradicts itself or the file.
func lyingSafetensors(_ random: inout SeededGenerator) -> [UInt8] {
    var entries = honestEntries
    let victim = Int.random(in: 0..<entries.count, using: &random)
    let huge = [1, 7, 1 << 20, 1 << 40, Int.max].randomElement(using: &random) ?? 1
    switch Int.random(in: 0..<8, using: &random) {
    case 0: entries[victim].end += huge > 1 << 50 ? huge - entries[victim].end : huge
    case 1: entries[victim].begin += 1
    case 2: entries[victim].shape.append(2)
    case 3: entries[victim].shape[0] = huge == 4 ? 5 : huge &+ (huge == entries[victim].shape[0] ? 1 : 0)
    case 4: entries[victim].type = entries[victim].type == "F32" ? "F64" : "F32"
    case 5: entries[victim].name = entries[(victim + 1) % entries.count].name
    case 6: entries.remove(at: victim)
    default: entries[victim].shape = [Int](repeating: 1, count: 20)
    }
    var file = safetensors(entries, data: 80)
    if Bool.random(using: &random) {
        // Lie about the length of the header too.
        let length = [0, 1, UInt64(file.count), 1 << 32, .max].randomElement(using: &random) ?? 0
        file.replaceSubrange(0..<8, with: little(length))
    }
    return file
}

/// A GGUF with every kind of metadata and two tensors; `lie` may spoil one of its numbers.
func gguf(_ lie: ((Field) -> UInt64?)? = nil) -> [UInt8] {
    var bytes = Array("GGUF".utf8)
    func number<T: FixedWidthInteger & UnsignedInteger>(_ value: T, _ field: Field? = nil) -> [UInt8] {
        little(field.flatMap { lie?($0) }.map { T(truncatingIfNeeded: $0) } ?? value)
    }
    func text(_ text: String, _ field: Field? = nil) -> [UInt8] {
        number(UInt64(text.utf8.count), field) + Array(text.utf8)
    }
    bytes += number(UInt32(3), .version) + number(UInt64(2), .tensorCount) + number(UInt64(6), .metadataCount)
    bytes += text("general.architecture", .keyLength) + number(UInt32(8)) + text("llama", .textLength)
    bytes += text("general.alignment") + number(UInt32(4)) + number(UInt32(32), .alignment)
    bytes += text("f") + number(UInt32(6), .valueType) + [0, 0, 0x80, 0x3F]
    bytes += text("tokens") + number(UInt32(9)) + number(UInt32(8), .elementType) + number(UInt64(3), .listCount)
    bytes += text("one", .elementLength) + text("") + text("three")
    bytes += text("nested") + number(UInt32(9)) + number(UInt32(9)) + number(UInt64(2), .nestedCount)
    for value in 1...2 as ClosedRange<UInt8> { bytes += number(UInt32(0)) + number(UInt64(1)) + [value] }
    bytes +=
        text("types") + number(UInt32(9)) + number(UInt32(5)) + number(UInt64(2)) + [
            1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        ]
    bytes += text("plain") + number(UInt32(2), .rank) + number(UInt64(8), .axis) + number(UInt64(2))
    bytes += number(UInt32(0)) + number(UInt64(0), .offset)
    bytes +=
        text("blocks") + number(UInt32(1)) + number(UInt64(64), .blockAxis) + number(UInt32(2)) + number(UInt64(64))
    bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
    return bytes + [UInt8](repeating: 7, count: 64 + 36)
}

/// The numbers of `gguf` that can be spoiled.
enum Field: CaseIterable {
    case version, tensorCount, metadataCount, keyLength, textLength, alignment, valueType, elementType, listCount
    case elementLength, nestedCount, rank, axis, offset, blockAxis
}

/// A GGUF of which one number is a lie that the file refutes.
func lyingGGUF(_ random: inout SeededGenerator) -> [UInt8] {
    let victim = Field.allCases.randomElement(using: &random) ?? .version
    // Values that no reading of the rest of the file can agree with.
    let lies: [UInt64] =
        switch victim {
        case .version: [0, 1, 4, 0x0300_0000]
        case .alignment: [0, 3, 33, 1 << 24]
        case .valueType, .elementType: [13, 99, 0xFFFF_FFFF]
        case .rank: [5, 9, 1 << 20]
        case .offset: [1, 31, 64, 1 << 40, .max, .max - 31]
        case .axis: [9, 1 << 33, 1 << 62, .max]
        case .blockAxis: [63, 1, 128, 1 << 62, .max]
        default: [1 << 20, 1 << 40, 1 << 63, .max]
        }
    let lie = lies.randomElement(using: &random) ?? .max
    return gguf { $0 == victim ? lie : nil }
}
