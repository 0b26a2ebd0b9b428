// What can be wrong with a model file. Cases carry facts; the description adds the remedy.

import Glibc
package import JSON

/// A checkpoint that cannot be read, or that is not what it claims to be.
package enum CheckpointError: Error, Equatable, Sendable {
    case unreadable(file: String, errno: Int32)
    case notAFile(file: String)
    case tooLarge(file: String, size: Int, limit: Int)
    case empty(file: String)
    case pickle(file: String)
    case pointer(file: String)
    case webPage(file: String)
    case unrecognised(file: String, firstBytes: [UInt8])
    case noWeights(folder: String)
    case malformed(file: String, Fault)
    case missing(file: String, tensor: String)
    case unsupportedType(file: String, tensor: String, type: String)
    /// Tensors within the part `prefix` of a file that no network has.
    case unused(file: String, prefix: String, tensors: [String])
    /// A file of another kind than a diffusion model with all its parts.
    case otherKind(file: String, OtherKind)

    /// What a header says that cannot be.
    package enum Fault: Error, Equatable, Sendable {
        case truncated(needed: UInt64, size: UInt64)
        case headerLength(UInt64, limit: UInt64)
        case json(JSONFault)
        case incomplete(entry: String, lacks: String)
        case repeated(String)
        case rank(tensor: String, Int, limit: Int)
        case overflow(tensor: String, shape: [Int])
        case partialBlock(tensor: String, length: Int, block: Int)
        case range(tensor: String, begin: UInt64, end: UInt64, size: UInt64)
        case length(tensor: String, expected: Int, found: Int)
        case misaligned(tensor: String, offset: UInt64, alignment: Int)
        case overlap(String, String)
        case hole(begin: Int, end: Int)
        case version(UInt32)
        case bigEndian
        case count(of: String, UInt64)
        case alignment(UInt64)
        case valueType(key: String, UInt32)
        case text(key: String)
        case nesting(key: String)
        case shardName(String)
        case shardLacks(tensor: String, shard: String)
        case shape(tensor: String, [Int], wanted: String)
        case levels(Double, Double)
    }
}

extension CheckpointError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let file, let code): "\(file): cannot be read: \(String(cString: strerror(code)))"
        case .notAFile(let file): "\(file): is not a regular file"
        case .tooLarge(let file, let size, let limit): "\(file): has \(size) bytes, more than the \(limit) allowed here"
        case .empty(let file): "\(file): is empty; download it again"
        case .pickle(let file):
            "\(file): is a pickle, which can run code when it is read; convert it to safetensors and use that file"
        case .pointer(let file):
            "\(file): is a git-LFS pointer, not the weights; run `git lfs pull` in its repository"
        case .webPage(let file):
            "\(file): is a web page, not weights; the download link led to a login or error page, download the file itself"
        case .unrecognised(let file, let bytes):
            "\(file): is neither safetensors nor GGUF (first bytes \(hexadecimal(bytes)))"
        case .noWeights(let folder): "\(folder): holds no .safetensors or .gguf file"
        case .malformed(let file, let fault): "\(file): \(fault); the file is damaged or incomplete, download it again"
        case .missing(let file, let tensor): "\(file): has no tensor \"\(tensor)\""
        case .unsupportedType(let file, let tensor, let type):
            "\(file): tensor \"\(tensor)\" has type \(type), which is not supported; convert it to F32, F16 or BF16"
        case .unused(let file, let prefix, let tensors):
            "\(file): has \(tensors.count) tensors under \"\(prefix)\" that its architecture does not use, such as "
                + tensors.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
                + "; it was changed or is of another architecture, use the file as its author published it"
        case .otherKind(let file, let kind): "\(file): is \(kind.rawValue), which cannot draw; \(kind.remedy)"
        }
    }
}

extension CheckpointError.Fault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated(let needed, let size): "needs \(needed) bytes and has \(size)"
        case .headerLength(let length, let limit): "claims a header of \(length) bytes, more than \(limit)"
        case .json(let fault): "\(fault)"
        case .incomplete(let entry, let part): "entry \"\(entry)\" has no valid \(part)"
        case .repeated(let name): "\"\(name)\" occurs twice"
        case .rank(let tensor, let rank, let limit): "tensor \"\(tensor)\" has \(rank) dimensions, more than \(limit)"
        case .overflow(let tensor, let shape): "tensor \"\(tensor)\" of shape \(shape) is too large to address"
        case .partialBlock(let tensor, let length, let block):
            "tensor \"\(tensor)\" has rows of \(length), not a multiple of its block of \(block)"
        case .range(let tensor, let begin, let end, let size):
            "tensor \"\(tensor)\" claims bytes \(begin) to \(end) of \(size)"
        case .length(let tensor, let expected, let found):
            "tensor \"\(tensor)\" needs \(expected) bytes by its shape and type and claims \(found)"
        case .misaligned(let tensor, let offset, let alignment):
            "tensor \"\(tensor)\" begins at \(offset), not a multiple of \(alignment)"
        case .overlap(let first, let second): "tensors \"\(first)\" and \"\(second)\" share bytes"
        case .hole(let begin, let end): "bytes \(begin) to \(end) of the data belong to no tensor"
        case .version(let version): "has GGUF version \(version); versions 2 and 3 are supported"
        case .bigEndian: "is a big-endian GGUF; convert it to little-endian"
        case .count(let what, let count): "claims \(count) \(what), more than the file can hold or than are read"
        case .alignment(let alignment): "claims an alignment of \(alignment), not a power of two up to 1048576"
        case .valueType(let key, let type): "\"\(key)\" has the unknown value type \(type)"
        case .text(let key): "\"\(key)\" is not valid UTF-8"
        case .nesting(let key): "\"\(key)\" nests lists too deeply"
        case .shardName(let name):
            "the index names \"\(excerpt(name))\", which is no safetensors file in its own folder"
        case .shardLacks(let tensor, let shard): "the index places tensor \"\(tensor)\" in \(shard), which lacks it"
        case .shape(let tensor, let shape, let wanted): "tensor \"\(tensor)\" has shape \(shape), not \(wanted)"
        case .levels(let least, let most): "claims noise levels from \(least) to \(most)"
        }
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
