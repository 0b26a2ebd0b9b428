// One view of every model file: names with located bytes, whatever the container.

/// The tensors of a safetensors file, of its shards, or of a GGUF, by name. A value; the files stay mapped while used.
package struct CheckpointStore: Sendable {
    /// The file or folder it came from, for messages.
    package let source: String
    let records: [String: TensorRecord]

    init(source: String, records: [String: TensorRecord]) {
        self.source = source
        self.records = records
    }

    /// The tensors of a safetensors file.
    package init(_ safetensors: Safetensors) { self.init(source: safetensors.file.path, records: safetensors.tensors) }

    /// The tensors of a GGUF.
    package init(_ gguf: GGUF) { self.init(source: gguf.file.path, records: gguf.tensors) }

    /// A tensor as stored.
    package struct Entry: Sendable {
        package let type: ElementType
        /// Outermost axis first, after any transposition.
        package let shape: [Int]
        package let file: MappedFile
        /// Bytes within the file.
        package let range: Range<Int>
        /// The bytes hold the row-major matrix [shape[1], shape[0]]; the tensor is its transpose.
        package let isTransposed: Bool

        /// The encoded elements; valid while `file` is referenced.
        package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }

        /// Whether `bytes` may be read in place through typed pointers; else they must be copied first.
        package var isAligned: Bool {
            guard let address = bytes.baseAddress else { return true }
            return Int(bitPattern: address) % type.alignment == 0
        }
    }

    /// Unsorted.
    package var names: some Collection<String> { records.keys }

    package var count: Int { records.count }

    package func contains(_ name: String) -> Bool { records[name] != nil }

    /// The shape of a tensor, outermost axis first; nil when there is none of that name.
    package func shape(_ name: String) -> [Int]? { records[name]?.shape }

    /// The file's word for the type of a tensor, readable or not; nil when there is none of that name.
    package func typeName(_ name: String) -> String? { records[name]?.typeName }

    /// The tensor called `name`; throws `missing` or `unsupportedType`.
    package func entry(_ name: String) throws(CheckpointError) -> Entry {
        guard let record = records[name] else { throw .missing(file: source, tensor: name) }
        guard let type = record.type else {
            throw .unsupportedType(file: record.file.path, tensor: name, type: record.typeName)
        }
        return Entry(
            type: type, shape: record.shape, file: record.file, range: record.range, isTransposed: record.isTransposed)
    }

    /// Bytes of all tensors together.
    package var byteCount: Int { records.values.reduce(0) { $0 + $1.range.count } }

    /// Paths of the files that hold the tensors, sorted.
    package var files: [String] { Set(records.values.map(\.file.path)).sorted() }

    /// The tensors whose names begin with `prefix`, without it.
    package func dropping(prefix: String) -> CheckpointStore {
        var kept: [String: TensorRecord] = [:]
        for (name, record) in records where name.hasPrefix(prefix) {
            kept[String(name.dropFirst(prefix.count))] = record
        }
        return CheckpointStore(source: source, records: kept)
    }

    /// The tensors of `table` under its keys; throws `missing` when a source is absent, `shape` when a cut does not fit.
    package func renamed(_ table: [String: TensorSource]) throws(CheckpointError) -> CheckpointStore {
        var renamed: [String: TensorRecord] = [:]
        renamed.reserveCapacity(table.count)
        for (name, origin) in table {
            guard let record = records[origin.name] else { throw .missing(file: source, tensor: origin.name) }
            do throws(CheckpointError.Fault) { renamed[name] = try origin.cut(record) } catch {
                throw .malformed(file: record.file.path, error)
            }
        }
        return CheckpointStore(source: source, records: renamed)
    }

    /// Both sets of tensors; where a name is in both, that of `other`.
    package func merging(_ other: CheckpointStore) -> CheckpointStore {
        CheckpointStore(source: source, records: records.merging(other.records) { $1 })
    }
}

/// Where a renamed tensor comes from: another name, and optionally a part of its rows, its transpose, or a new shape.
package struct TensorSource: Sendable, Equatable {
    package var name: String
    package var part: Part?
    package var transposed = false
    /// Drop trailing axes of length 1 down to this rank: a 1×1 convolution [O, I, 1, 1] as the matrix [O, I].
    package var rank: Int?

    /// One of `of` equal parts along the outermost axis.
    package struct Part: Sendable, Equatable {
        package var index, of: Int

        package init(index: Int, of: Int) {
            self.index = index
            self.of = of
        }
    }

    package init(_ name: String, part: Part? = nil, transposed: Bool = false, rank: Int? = nil) {
        self.name = name
        self.part = part
        self.transposed = transposed
        self.rank = rank
    }

    func cut(_ record: TensorRecord) throws(CheckpointError.Fault) -> TensorRecord {
        var record = record
        if let part {
            guard let rows = record.shape.first, rows % part.of == 0, record.range.count % part.of == 0 else {
                throw .shape(tensor: name, record.shape, wanted: "rows in \(part.of) equal parts")
            }
            // Rows are contiguous and, in every readable type, whole numbers of bytes.
            let length = record.range.count / part.of
            let start = record.range.lowerBound + part.index * length
            record.range = start..<start + length
            record.shape[0] = rows / part.of
        }
        if let rank, record.shape.count > rank {
            guard record.shape[rank...].allSatisfy({ $0 == 1 }) else {
                throw .shape(tensor: name, record.shape, wanted: "\(rank) axes, the others 1")
            }
            record.shape.removeLast(record.shape.count - rank)
        }
        if transposed {
            guard record.shape.count == 2 else { throw .shape(tensor: name, record.shape, wanted: "a matrix") }
            record.shape.reverse()
            record.isTransposed.toggle()
        }
        return record
    }
}
