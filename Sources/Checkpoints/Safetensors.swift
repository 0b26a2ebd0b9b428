// safetensors: an 8-byte little-endian length, a JSON header of that length, then the tensors' bytes without holes.
//
// Format   https://github.com/huggingface/safetensors#format

import JSON

/// The header of a safetensors file, checked against the file.
package struct Safetensors: Sendable {
    package let file: MappedFile
    /// The free-form `__metadata__`.
    package let metadata: [String: String]
    let tensors: [String: TensorRecord]

    static let longestHeader = 100_000_000

    /// Reads and checks the header; the tensors' bytes are not touched.
    package init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        do throws(CheckpointError.Fault) {
            let length = try Self.headerLength(file.bytes)
            var header = Header(file: file, data: 8 + length..<file.bytes.count)
            try header.read(Array(file.bytes[8..<8 + length]))
            try checkRanges(header.tensors, data: header.data, complete: true)
            metadata = header.metadata
            tensors = header.tensors
        } catch {
            throw .malformed(file: file.path, error)
        }
    }

    private static func headerLength(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError.Fault) -> Int {
        let size = UInt64(bytes.count)
        guard size >= 8 else { throw .truncated(needed: 8, size: size) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= longestHeader else { throw .headerLength(length, limit: UInt64(longestHeader)) }
        guard length <= size - 8 else { throw .truncated(needed: length + 8, size: size) }
        return Int(length)
    }
}

/// The entries read so far, and where their bytes may lie.
private struct Header {
    let file: MappedFile
    let data: Range<Int>
    var metadata: [String: String] = [:]
    var tensors: [String: TensorRecord] = [:]
    private var sawMetadata = false
    private var entries: [(name: String, entry: Entry)] = []

    init(file: MappedFile, data: Range<Int>) {
        self.file = file
        self.data = data
    }

    typealias Fault = CheckpointError.Fault

    mutating func read(_ text: [UInt8]) throws(Fault) {
        do throws(JSONFault) {
            var scanner = try JSONScanner(text, JSON.Rules(size: Safetensors.longestHeader))
            var entries: [(name: String, entry: Entry)] = []
            try scanner.beginObject()
            while let name = try scanner.nextKey() {
                if name == "__metadata__" {
                    guard !sawMetadata else { throw scanner.fault(.repeatedKey(name)) }
                    sawMetadata = true
                    metadata = try scanner.texts()
                } else {
                    guard entries.count < mostTensors else { throw scanner.fault(.tooManyValues(limit: mostTensors)) }
                    entries.append((name, try Entry(&scanner)))
                }
            }
            try scanner.end()
            self.entries = entries
        } catch { throw .json(error) }
        for (name, entry) in entries {
            let record = try record(name, entry)
            guard tensors.updateValue(record, forKey: name) == nil else { throw .repeated(name) }
        }
        entries = []
    }

    private func record(_ name: String, _ entry: Entry) throws(Fault) -> TensorRecord {
        guard let type = entry.type else { throw .incomplete(entry: name, lacks: "dtype") }
        guard let shape = entry.shape else { throw .incomplete(entry: name, lacks: "shape") }
        guard let offsets = entry.offsets, offsets.count == 2 else {
            throw .incomplete(entry: name, lacks: "data_offsets")
        }
        return try locate(name, type, shape, begin: offsets[0], end: offsets[1])
    }

    private func locate(
        _ name: String, _ typeName: String, _ shape: [Int], begin: Int, end: Int
    ) throws(Fault) -> TensorRecord {
        guard begin <= end, end <= data.count else {
            throw .range(tensor: name, begin: UInt64(begin), end: UInt64(end), size: UInt64(data.count))
        }
        let type = ElementType(safetensors: typeName)
        if let type {
            guard let expected = type.byteCount(shape) else { throw .overflow(tensor: name, shape: shape) }
            guard expected == end - begin else { throw .length(tensor: name, expected: expected, found: end - begin) }
        }
        let range = data.lowerBound + begin..<data.lowerBound + end
        return TensorRecord(typeName: typeName, type: type, shape: shape, file: file, range: range)
    }
}

/// One tensor as the header describes it.
private struct Entry {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?

    init(_ scanner: inout JSONScanner) throws(JSONFault) {
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "dtype" where type == nil: type = try scanner.string()
            case "shape" where shape == nil: shape = try scanner.counts(limit: highestRank)
            case "data_offsets" where offsets == nil: offsets = try scanner.counts(limit: 2)
            case "dtype", "shape", "data_offsets": throw scanner.fault(.repeatedKey(key))
            default: throw scanner.fault(.expected("dtype, shape or data_offsets"))
            }
        }
    }
}

extension JSONScanner {
    /// Reads an array of at most `limit` integers in 0…Int.max.
    fileprivate mutating func counts(limit: Int) throws(JSONFault) -> [Int] {
        var values: [Int] = []
        try beginArray()
        while try nextElement() {
            guard values.count < limit else { throw fault(.tooManyValues(limit: limit)) }
            values.append(try count())
        }
        return values
    }

    /// Reads an object of strings.
    fileprivate mutating func texts() throws(JSONFault) -> [String: String] {
        var texts: [String: String] = [:]
        try beginObject()
        while let key = try nextKey() {
            guard texts.updateValue(try string(), forKey: key) == nil else { throw fault(.repeatedKey(key)) }
        }
        return texts
    }
}
