// Values of GGUF metadata. Lists are checked once, stay in the mapped file and are decoded when asked for: a vocabulary
// of 262,144 strings costs nothing until then.

import JSON

extension GGUF {
    /// One value of the metadata.
    package enum Value: Sendable {
        case unsigned(UInt64)
        case signed(Int64)
        case float(Double)
        case bool(Bool)
        case string(String)
        case list(List)
    }

    /// A list in the mapped file.
    package struct List: Sendable {
        package let count: Int
        let element: GGUFValueType
        let file: MappedFile
        let range: Range<Int>
    }

    /// Most values of a list, which are memory once they are decoded; vocabularies have some 300,000.
    static let longestList = 1 << 24
    /// Most entries of the metadata.
    static let mostEntries = 1 << 16

    /// The scalar entries, with the typed access of a configuration file.
    package var config: ConfigObject {
        var members: [String: JSON] = [:]
        for (key, value) in metadata {
            switch value {
            case .unsigned(let number): members[key] = Int(exactly: number).map(JSON.int) ?? .unsigned(number)
            case .signed(let number): members[key] = .int(Int(number))
            case .float(let number): members[key] = .double(number)
            case .bool(let flag): members[key] = .bool(flag)
            case .string(let text): members[key] = .string(text)
            case .list: break
            }
        }
        return ConfigObject(file: file.path, members: members)
    }

    /// The list of strings at `key`, bytes that are not UTF-8 replaced; nil when absent. O(bytes).
    package func strings(_ key: String) throws(ConfigError) -> [String]? {
        try list(key, "a list of strings") { $0.strings() }
    }

    /// The list of integers at `key`; nil when absent. O(count).
    package func ints(_ key: String) throws(ConfigError) -> [Int]? {
        try list(key, "a list of integers") { $0.ints() }
    }

    /// The list of numbers at `key`; nil when absent. O(count).
    package func floats(_ key: String) throws(ConfigError) -> [Float]? {
        try list(key, "a list of numbers") { $0.floats() }
    }

    private func list<T>(_ key: String, _ wanted: String, _ decode: (List) -> T?) throws(ConfigError) -> T? {
        guard let value = metadata[key] else { return nil }
        guard case .list(let list) = value, list.count <= Self.longestList, let decoded = decode(list) else {
            throw .type(file: file.path, key: key, expected: wanted, found: value.kind)
        }
        return decoded
    }
}

extension GGUF.Value {
    var kind: String {
        switch self {
        case .unsigned(let number): "\(number)"
        case .signed(let number): "\(number)"
        case .float(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        case .string(let text): "\"\(excerpt(text))\""
        case .list(let list): "a list of \(list.count) \(list.element)"
        }
    }
}

extension GGUF.List {
    /// The elements as strings; nil when they are not strings.
    package func strings() -> [String]? {
        guard element == .string else { return nil }
        var strings: [String] = []
        strings.reserveCapacity(count)
        eachString { strings.append(String(decoding: $0, as: UTF8.self)) }
        return strings
    }

    /// Calls `body` with the bytes of every string; does nothing when the elements are not strings.
    package func eachString(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard element == .string else { return }
        var offset = range.lowerBound
        for _ in 0..<count {
            // Lengths were checked against the file when the list was read.
            let length = Int(file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            body(UnsafeRawBufferPointer(rebasing: file.bytes[offset + 8..<offset + 8 + length]))
            offset += 8 + length
        }
    }

    /// The elements as integers; nil when they are none or do not fit.
    package func ints() -> [Int]? {
        switch element {
        case .uint8: elements(UInt8.self)
        case .int8: elements(Int8.self)
        case .uint16: elements(UInt16.self)
        case .int16: elements(Int16.self)
        case .uint32: elements(UInt32.self)
        case .int32: elements(Int32.self)
        case .uint64: elements(UInt64.self)
        case .int64: elements(Int64.self)
        case .bool: elements(UInt8.self)
        case .float32, .float64, .string, .list: nil
        }
    }

    /// The elements as floats; nil when they are not numbers.
    package func floats() -> [Float]? {
        switch element {
        case .float32: read(Float.self)
        case .float64: read(Double.self).map { Float($0) }
        default: ints()?.map { Float($0) }
        }
    }

    /// The elements as lists; nil when they are not lists. O(bytes).
    package func lists() -> [GGUF.List]? {
        guard element == .list else { return nil }
        var cursor = GGUFCursor(file, offset: range.lowerBound)
        var lists: [GGUF.List] = []
        for _ in 0..<count {
            guard let list = try? cursor.list("") else { return nil }
            lists.append(list)
        }
        return lists
    }

    private func elements<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> [Int]? {
        var values: [Int] = []
        values.reserveCapacity(count)
        for value in read(type) {
            guard let value = Int(exactly: value) else { return nil }
            values.append(value)
        }
        return values
    }

    private func read<T: BitwiseCopyable>(_ type: T.Type) -> [T] {
        (0..<count).map {
            file.bytes.loadUnaligned(fromByteOffset: range.lowerBound + $0 * MemoryLayout<T>.size, as: T.self)
        }
    }
}

/// gguf_metadata_value_type.
enum GGUFValueType: UInt32, Sendable {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, list, uint64, int64, float64

    /// Bytes of one value; nil where they vary.
    var size: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .list: nil
        }
    }
}

/// Reads a mapped GGUF from front to back; every length is compared with what is left of the file first.
struct GGUFCursor {
    private let file: MappedFile
    private(set) var offset: Int

    private typealias Fault = CheckpointError.Fault
    private static let deepest = 8

    init(_ file: MappedFile, offset: Int = 0) {
        self.file = file
        self.offset = offset
    }

    private var remaining: Int { file.bytes.count - offset }

    private mutating func take(_ length: UInt64) throws(CheckpointError.Fault) -> Range<Int> {
        guard length <= UInt64(remaining) else {
            let (needed, overflow) = UInt64(offset).addingReportingOverflow(length)
            throw .truncated(needed: overflow ? .max : needed, size: UInt64(file.bytes.count))
        }
        defer { offset += Int(length) }
        return offset..<offset + Int(length)
    }

    /// The next little-endian value.
    mutating func load<T: BitwiseCopyable>(_ type: T.Type) throws(CheckpointError.Fault) -> T {
        let range = try take(UInt64(MemoryLayout<T>.size))
        return file.bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: type)
    }

    /// A 64-bit count of things that take at least `each` bytes.
    mutating func count(
        _ what: String, each: Int, most: Int = .max
    ) throws(CheckpointError.Fault) -> Int {
        let count = try load(UInt64.self)
        guard count <= UInt64(min(remaining / each, most)) else { throw .count(of: what, count) }
        return Int(count)
    }

    mutating func string(_ key: String) throws(CheckpointError.Fault) -> String {
        let range = try take(try load(UInt64.self))
        guard let text = String(validating: file.bytes[range], as: UTF8.self) else { throw .text(key: key) }
        return text
    }

    private mutating func type(_ key: String) throws(CheckpointError.Fault) -> GGUFValueType {
        let number = try load(UInt32.self)
        guard let type = GGUFValueType(rawValue: number) else { throw .valueType(key: key, number) }
        return type
    }

    mutating func value(_ key: String) throws(CheckpointError.Fault) -> GGUF.Value {
        switch try type(key) {
        case .uint8: .unsigned(UInt64(try load(UInt8.self)))
        case .uint16: .unsigned(UInt64(try load(UInt16.self)))
        case .uint32: .unsigned(UInt64(try load(UInt32.self)))
        case .uint64: .unsigned(try load(UInt64.self))
        case .int8: .signed(Int64(try load(Int8.self)))
        case .int16: .signed(Int64(try load(Int16.self)))
        case .int32: .signed(Int64(try load(Int32.self)))
        case .int64: .signed(try load(Int64.self))
        case .float32: .float(Double(try load(Float.self)))
        case .float64: .float(try load(Double.self))
        case .bool: .bool(try load(UInt8.self) != 0)
        case .string: .string(try string(key))
        case .list: .list(try list(key))
        }
    }

    mutating func list(_ key: String, depth: Int = 0) throws(CheckpointError.Fault) -> GGUF.List {
        guard depth < Self.deepest else { throw .nesting(key: key) }
        let element = try type(key)
        let count = try count(
            "values of \(key)", each: element.size ?? (element == .string ? 8 : 12),
            most: GGUF.longestList)
        let start = offset
        if let size = element.size {
            _ = try take(UInt64(count * size))
        } else if element == .string {
            for _ in 0..<count { _ = try take(try load(UInt64.self)) }
        } else {
            for _ in 0..<count { _ = try list(key, depth: depth + 1) }
        }
        return GGUF.List(count: count, element: element, file: file, range: start..<offset)
    }
}
