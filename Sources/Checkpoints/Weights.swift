package import Tensor
import Synchronization

/// What can be wrong with the weights of a checkpoint; each case carries the facts.
package enum WeightError: Error, Sendable, Equatable {
    case missing(String)
    case shape(String, expected: [Int], found: [Int])
    case format(String, found: String)
    case memory(String, bytes: Int)
    case configuration(String, String)
    case unused([String])
}

extension WeightError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let path):
            "the checkpoint has no tensor \"\(path)\": it belongs to another architecture or is incomplete"
        case .shape(let path, let expected, let found):
            "tensor \"\(path)\" has shape \(found), its configuration asks for \(expected)"
        case .format(let path, let found):
            "tensor \"\(path)\" is stored as \(found), which is not supported here; convert it to f32, f16 or bf16"
        case .memory(let path, let bytes): "no memory for \(bytes) bytes of \"\(path)\""
        case .configuration(let path, let fact): "the configuration does not fit \"\(path)\": \(fact)"
        case .unused(let names):
            "the checkpoint has \(names.count) tensors that its architecture does not use, such as "
                + names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
        }
    }
}

/// A narrowing path into a checkpoint: `weights["encoder", "layers", "0"]`.
///
/// A model takes every tensor by name and shape where it declares it; the ledger remembers which, so that what nobody
/// took can be reported after loading.
package struct Weights: Sendable {
    /// A matrix as the file holds it.
    package enum StoredMatrix: Sendable {
        case dense(Tensor)
        case quantized(QuantizedMatrix)
    }

    private final class Ledger: Sendable {
        let taken = Mutex<Set<String>>([])
    }

    private let store: any CheckpointStore
    private let ledger: Ledger
    /// Full prefix of the names below, without a trailing dot.
    package let path: String
    /// How layers built from these weights compute.
    package let precision: Precision

    package init(_ store: any CheckpointStore, _ precision: Precision) {
        self.init(store, Ledger(), "", precision)
    }

    private init(_ store: any CheckpointStore, _ ledger: Ledger, _ path: String, _ precision: Precision) {
        self.store = store
        self.ledger = ledger
        self.path = path
        self.precision = precision
    }

    /// The weights below `names`.
    package subscript(_ names: String...) -> Weights {
        Weights(store, ledger, ([path] + names).filter { !$0.isEmpty }.joined(separator: "."), precision)
    }

    /// The weights below `name` where the checkpoint has any, else these: for prefixes that occur with and without.
    package func skipping(_ name: String) -> Weights {
        let below = self[name]
        return store.names.contains { $0.hasPrefix(below.path + ".") } ? below : self
    }

    /// The same weights, computing in another precision.
    package func computing(in precision: Precision) -> Weights { Weights(store, ledger, path, precision) }

    /// One value for each of "0" ..< `count` below this path.
    package func each<T>(
        _ count: Int, _ build: (Weights) throws(WeightError) -> T
    ) throws(WeightError) -> [T] {
        var values: [T] = []
        for index in 0..<count { values.append(try build(self[String(index)])) }
        return values
    }

    /// Whether the checkpoint has tensor `name` here.
    package func has(_ name: String) -> Bool { store.entry(full(name)) != nil }

    /// A tensor in f32, its shape checked.
    package func tensor(_ name: String, _ shape: Int...) throws(WeightError) -> Tensor {
        try dense(name, shape).converted(to: .f32)
    }

    /// A tensor in the type that the file holds, where possible without copying; its shape checked.
    package func stored(_ name: String, _ shape: Int...) throws(WeightError) -> Tensor { try dense(name, shape) }

    /// A matrix [out, in], left in GGUF blocks where the file has such.
    package func matrix(_ name: String, _ out: Int, _ width: Int) throws(WeightError) -> StoredMatrix {
        let entry = try take(name, [out, width])
        guard case .blocks(let number) = entry.format else { return .dense(try dense(entry, full(name), [out, width])) }
        let format = try quantization(number, full(name))
        return .quantized(unsafe QuantizedMatrix(mapped: entry.bytes, owner: entry.owner, out, width, format))
    }

    /// Names below this path that nobody has taken.
    package var unused: [String] {
        let prefix = path.isEmpty ? "" : path + "."
        return ledger.taken.withLock { taken in store.names.filter { $0.hasPrefix(prefix) && !taken.contains($0) } }
    }

    /// Throws when a tensor was not taken whose name does not end in one of `ignoring`.
    package func requireAllTaken(ignoring suffixes: [String] = []) throws(WeightError) {
        let left = unused.filter { name in !suffixes.contains { name.hasSuffix($0) } }
        if !left.isEmpty { throw .unused(left.sorted()) }
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }

    private func take(_ name: String, _ shape: [Int]) throws(WeightError) -> StoredTensor {
        let name = full(name)
        guard let entry = store.entry(name) else { throw .missing(name) }
        guard entry.shape == shape else { throw .shape(name, expected: shape, found: entry.shape) }
        ledger.taken.withLock { _ = $0.insert(name) }
        return entry
    }

    private func dense(_ name: String, _ shape: [Int]) throws(WeightError) -> Tensor {
        try dense(take(name, shape), full(name), shape)
    }

    private func dense(_ entry: StoredTensor, _ name: String, _ shape: [Int]) throws(WeightError) -> Tensor {
        let type: DType
        switch entry.format {
        case .f32: type = .f32
        case .f16: type = .f16
        case .bf16: type = .bf16
        case .blocks(let number):
            let format = try quantization(number, name)
            let width = shape.last ?? 1
            return unsafe QuantizedMatrix(
                mapped: entry.bytes, owner: entry.owner, shape.dropLast().reduce(1, *), width, format
            ).dequantized().reshaped(shape)
        default: throw .format(name, found: "\(entry.format)")
        }
        return unsafe Tensor(mapped: entry.bytes, owner: entry.owner, shape, type)
    }

    private func quantization(_ number: UInt32, _ name: String) throws(WeightError) -> Quantization {
        guard let format = Quantization(rawValue: number) else { throw .format(name, found: "GGML type \(number)") }
        return format
    }
}
