// safetensors: an 8-byte little-endian length, a JSON header of that length, then the tensors' bytes without holes.
//
// Format   https://github.com/huggingface/safetensors#format

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
            try header.read(UnsafeRawBufferPointer(rebasing: file.bytes[8..<8 + length]))
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
    var sawMetadata = false

    typealias Fault = CheckpointError.Fault

    mutating func read(_ text: UnsafeRawBufferPointer) throws(Fault) {
        var scanner = JSONScanner(text)
        var header = self
        try scanner.object(Fault.json) { scanner, name throws(Fault) in
            if name == "__metadata__" {
                guard !header.sawMetadata else { throw .repeated(name) }
                header.sawMetadata = true
                try header.readMetadata(&scanner)
            } else {
                let record = try header.readEntry(&scanner, name)
                guard header.tensors.updateValue(record, forKey: name) == nil else { throw .repeated(name) }
            }
        }
        do throws(JSONFault) { try scanner.end() } catch { throw .json(error) }
        self = header
    }

    private mutating func readMetadata(_ scanner: inout JSONScanner) throws(Fault) {
        var found: [String: String] = [:]
        try scanner.object(Fault.json) { scanner, key throws(Fault) in
            do throws(JSONFault) { found[key] = try scanner.string() } catch { throw .json(error) }
        }
        metadata = found
    }

    private func readEntry(_ scanner: inout JSONScanner, _ name: String) throws(Fault) -> TensorRecord {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object(Fault.json) { scanner, key throws(Fault) in
            do throws(JSONFault) {
                switch key {
                case "dtype" where type == nil: type = try scanner.string()
                case "shape" where shape == nil: shape = try scanner.counts(limit: highestRank)
                case "data_offsets" where offsets == nil: offsets = try scanner.counts(limit: 2)
                default: throw scanner.fault(.repeatedKey(key))
                }
            } catch { throw .json(error) }
        }
        guard let type else { throw .incomplete(entry: name, lacks: "dtype") }
        guard let shape else { throw .incomplete(entry: name, lacks: "shape") }
        guard let offsets, offsets.count == 2 else { throw .incomplete(entry: name, lacks: "data_offsets") }
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
            guard begin % type.alignment == 0 else {
                throw .misaligned(tensor: name, offset: UInt64(begin), alignment: type.alignment)
            }
        }
        let range = data.lowerBound + begin..<data.lowerBound + end
        return TensorRecord(typeName: typeName, type: type, shape: shape, file: file, range: range)
    }
}

extension JSONScanner {
    /// Reads an array of at most `limit` integers in 0…Int.max.
    mutating func counts(limit: Int) throws(JSONFault) -> [Int] {
        var values: [Int] = []
        try array { scanner throws(JSONFault) in
            guard values.count < limit else { throw scanner.fault(.tooManyValues) }
            values.append(try scanner.count())
        }
        return values
    }
}
