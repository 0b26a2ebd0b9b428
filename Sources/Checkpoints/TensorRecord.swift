// One tensor of a model file, located and checked, not read.

/// Where the bytes of a tensor lie and how they are encoded.
struct TensorRecord: Sendable {
    /// The file's own word for the type.
    let typeName: String
    /// nil: a type that cannot be read; the tensor may be listed and not used.
    let type: ElementType?
    /// Outermost axis first.
    var shape: [Int]
    let file: MappedFile
    /// Bytes within the file.
    var range: Range<Int>
    /// The bytes hold the matrix [shape[1], shape[0]] whose transpose is meant.
    var isTransposed = false
}

let highestRank = 8

/// Most tensors of one file; the largest models published have some ten thousand.
let mostTensors = 1 << 20

/// Throws the first overlap between the byte ranges of `tensors`, and, where `complete`, the first byte of `data` that
/// belongs to none. O(n log n).
func checkRanges(
    _ tensors: [String: TensorRecord], data: Range<Int>, complete: Bool
) throws(CheckpointError.Fault) {
    let ordered = tensors.filter { !$0.value.range.isEmpty }.sorted {
        $0.value.range.lowerBound < $1.value.range.lowerBound
    }
    var end = data.lowerBound
    var previous = ""
    for (name, record) in ordered {
        guard record.range.lowerBound >= end else { throw .overlap(previous, name) }
        guard !complete || record.range.lowerBound == end else {
            throw .hole(begin: end - data.lowerBound, end: record.range.lowerBound - data.lowerBound)
        }
        end = record.range.upperBound
        previous = name
    }
    guard !complete || end == data.upperBound else {
        throw .hole(begin: end - data.lowerBound, end: data.count)
    }
}
