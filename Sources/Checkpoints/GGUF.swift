// GGUF: magic, version, counts, typed metadata, tensor descriptions, then aligned tensor data.
//
// Format   https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian)

/// The metadata and tensor descriptions of a GGUF file, checked against the file; lists stay in the mapped file.
package struct GGUF: Sendable {
    package let file: MappedFile
    package let version: Int
    /// Multiple of bytes at which the data section and every tensor begin.
    package let alignment: Int
    package let metadata: [String: Value]
    let tensors: [String: TensorRecord]

    /// Reads and checks everything before the tensors' bytes. O(bytes of metadata).
    package init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        do throws(CheckpointError.Fault) {
            var cursor = GGUFCursor(file)
            version = try Self.version(&cursor)
            let tensorCount = try cursor.count("tensors", each: 24, most: mostTensors)
            let metadataCount = try cursor.count("metadata entries", each: 13, most: Self.mostEntries)
            metadata = try Self.metadata(&cursor, metadataCount)
            alignment = try Self.alignment(metadata)
            let descriptions = try Self.descriptions(&cursor, tensorCount)
            tensors = try Self.locate(descriptions, file: file, after: cursor.offset, alignment: alignment)
        } catch {
            throw .malformed(file: file.path, error)
        }
    }

    private typealias Fault = CheckpointError.Fault

    private static func version(_ cursor: inout GGUFCursor) throws(Fault) -> Int {
        let magic = try cursor.load(UInt32.self)
        guard magic == 0x4655_4747 else { throw .bigEndian }
        let version = try cursor.load(UInt32.self)
        guard version & 0xFFFF != 0 else { throw .bigEndian }
        guard version == 2 || version == 3 else { throw .version(version) }
        return Int(version)
    }

    private static func metadata(_ cursor: inout GGUFCursor, _ count: Int) throws(Fault) -> [String: Value] {
        var entries: [String: Value] = [:]
        for _ in 0..<count {
            let key = try cursor.string("key of metadata")
            let value = try cursor.value(key)
            guard entries.updateValue(value, forKey: key) == nil else { throw .repeated(key) }
        }
        return entries
    }

    private static func alignment(_ metadata: [String: Value]) throws(Fault) -> Int {
        guard let value = metadata["general.alignment"] else { return 32 }
        guard case .unsigned(let alignment) = value else { throw .valueType(key: "general.alignment", 0) }
        guard alignment > 0, alignment & (alignment - 1) == 0, alignment <= 1 << 20 else { throw .alignment(alignment) }
        return Int(alignment)
    }

    private struct Description {
        let name: String
        let shape: [Int]
        let type: UInt32
        let offset: UInt64
    }

    private static func descriptions(_ cursor: inout GGUFCursor, _ count: Int) throws(Fault) -> [Description] {
        var descriptions: [Description] = []
        for _ in 0..<count {
            let name = try cursor.string("name of a tensor")
            let rank = try cursor.load(UInt32.self)
            guard rank <= 4 else { throw .rank(tensor: name, Int(rank), limit: 4) }
            var shape: [Int] = []
            for _ in 0..<rank {
                let length = try cursor.load(UInt64.self)
                guard let length = Int(exactly: length) else { throw .count(of: "elements of \(name)", length) }
                shape.append(length)
            }
            let type = try cursor.load(UInt32.self)
            let offset = try cursor.load(UInt64.self)
            // GGUF writes the innermost axis first.
            descriptions.append(Description(name: name, shape: shape.reversed(), type: type, offset: offset))
        }
        return descriptions
    }

    private static func locate(
        _ descriptions: [Description], file: MappedFile, after end: Int, alignment: Int
    ) throws(Fault) -> [String: TensorRecord] {
        let size = file.bytes.count
        // A file of metadata only may end before the padding does.
        let start = descriptions.isEmpty ? end : (end + alignment - 1) / alignment * alignment
        guard start <= size else { throw .truncated(needed: UInt64(start), size: UInt64(size)) }
        var tensors: [String: TensorRecord] = [:]
        for entry in descriptions {
            let type = ElementType(ggml: entry.type)
            let length = try type.map { type throws(Fault) in try byteCount(entry, type) } ?? 0
            guard let offset = Int(exactly: entry.offset), offset <= size - start, length <= size - start - offset
            else {
                let (bytes, overflow) = entry.offset.addingReportingOverflow(UInt64(length))
                throw .range(
                    tensor: entry.name, begin: entry.offset, end: overflow ? .max : bytes, size: UInt64(size - start))
            }
            guard offset % alignment == 0 else {
                throw .misaligned(tensor: entry.name, offset: entry.offset, alignment: alignment)
            }
            let record = TensorRecord(
                typeName: type?.rawValue ?? "ggml type \(entry.type)", type: type, shape: entry.shape, file: file,
                range: start + offset..<start + offset + length)
            guard tensors.updateValue(record, forKey: entry.name) == nil else { throw .repeated(entry.name) }
        }
        try checkRanges(tensors, data: start..<size, complete: false)
        return tensors
    }

    private static func byteCount(_ entry: Description, _ type: ElementType) throws(Fault) -> Int {
        let row = entry.shape.last ?? 1
        guard row % type.block.elements == 0 else {
            throw .partialBlock(tensor: entry.name, length: row, block: type.block.elements)
        }
        guard let count = type.byteCount(entry.shape) else { throw .overflow(tensor: entry.name, shape: entry.shape) }
        return count
    }
}
