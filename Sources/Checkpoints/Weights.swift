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

    private let store: CheckpointStore
    private let ledger: Ledger
    /// Full prefix of the names below, without a trailing dot.
    package let path: String
    /// How layers built from these weights compute.
    package let precision: Precision

    package init(_ store: CheckpointStore, _ precision: Precision) {
        self.init(store, Ledger(), "", precision)
    }

    private init(_ store: CheckpointStore, _ ledger: Ledger, _ path: String, _ precision: Precision) {
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
    package func has(_ name: String) -> Bool { store.contains(full(name)) }

    /// A tensor in f32, its shape checked.
    package func tensor(_ name: String, _ shape: Int...) throws(WeightError) -> Tensor {
        let stored = try dense(name, shape)
        if stored.type != .f32 { try reserve(stored.count, .f32, full(name)) }
        return stored.converted(to: .f32)
    }

    /// A tensor in the type that the file holds, where possible without copying; its shape checked.
    package func stored(_ name: String, _ shape: Int...) throws(WeightError) -> Tensor { try dense(name, shape) }

    /// A matrix [out, in], left in GGUF blocks where the file has such.
    package func matrix(_ name: String, _ out: Int, _ width: Int) throws(WeightError) -> StoredMatrix {
        let entry = try take(name, [out, width])
        guard let format = Quantization(entry.type), !entry.isTransposed else {
            return .dense(try dense(entry, full(name)))
        }
        return .quantized(QuantizedMatrix(mapped: entry.bytes, owner: entry.file, out, width, format))
    }

    /// Tells the system that the file's copy of a tensor is no longer needed in memory, after it was packed.
    package func forget(_ name: String) {
        guard let entry = try? store.entry(full(name)) else { return }
        entry.file.advise(.noLonger, entry.range)
    }

    /// Names below this path that nobody has taken.
    package var unused: [String] {
        let prefix = path.isEmpty ? "" : path + "."
        return ledger.taken.withLock { taken in store.names.filter { $0.hasPrefix(prefix) && !taken.contains($0) } }
    }

    /// Throws when a tensor below this path was not taken, unless its name begins or ends with one of those to ignore.
    package func requireAllTaken(ignoring affixes: String...) throws(WeightError) {
        let left = unused.filter { name in !affixes.contains { name.hasPrefix($0) || name.hasSuffix($0) } }
        if !left.isEmpty { throw .unused(left.sorted()) }
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }

    private func take(_ name: String, _ shape: [Int]) throws(WeightError) -> CheckpointStore.Entry {
        try take(full: full(name), shape)
    }

    private func take(full name: String, _ shape: [Int]) throws(WeightError) -> CheckpointStore.Entry {
        guard store.contains(name) else { throw .missing(name) }
        let entry: CheckpointStore.Entry
        do throws(CheckpointError) { entry = try store.entry(name) } catch {
            throw .format(name, found: store.typeName(name) ?? "an unknown type")
        }
        guard entry.shape == shape else { throw .shape(name, expected: shape, found: entry.shape) }
        // What the file holds can be addressed; a shape of nothing could have any other extents.
        guard shape.allSatisfy({ $0 > 0 }) else { throw .configuration(name, "a size of 0 in \(shape)") }
        ledger.taken.withLock { _ = $0.insert(name) }
        return entry
    }

    private func dense(_ name: String, _ shape: [Int]) throws(WeightError) -> Tensor {
        try dense(take(name, shape), full(name))
    }

    private func dense(_ entry: CheckpointStore.Entry, _ name: String) throws(WeightError) -> Tensor {
        let shape = entry.isTransposed ? Array(entry.shape.reversed()) : entry.shape
        let values: Tensor
        switch entry.type {
        case .f32: values = try stored(entry, shape, .f32, name)
        case .f16: values = try stored(entry, shape, .f16, name)
        case .bf16: values = try stored(entry, shape, .bf16, name)
        case .f64, .f8_e4m3, .f8_e5m2:
            try reserve(shape.reduce(1, *), .f32, name)
            let scale = try scale(of: name)
            // A walk by shapes reads nothing.
            values = KernelWork.goesOn() ? Tensor(entry.converted(scale: scale), shape) : Tensor(zeros: shape)
        default:
            guard let format = Quantization(entry.type) else { throw .format(name, found: entry.type.rawValue) }
            try reserve(shape.reduce(1, *), .f32, name)
            values = QuantizedMatrix(
                mapped: entry.bytes, owner: entry.file, shape.dropLast().reduce(1, *), shape.last ?? 1, format
            ).dequantized().reshaped(shape)
        }
        guard entry.isTransposed else { return values }
        try reserve(values.count, values.type, name)
        return values.permuted(1, 0)
    }

    /// What stored 8-bit floats are multiplied by: a tensor of one number beside them, 1 where there is none. ComfyUI writes
    /// `x.scale_weight` or `x.weight_scale` beside `x.weight`; the scales of activations that may follow are not weights.
    private func scale(of name: String) throws(WeightError) -> Float {
        guard name.hasSuffix("weight") else { return 1 }
        let stem = name.dropLast("weight".count)
        for unread in ["scale_input", "input_scale"] where store.contains(stem + unread) {
            ledger.taken.withLock { _ = $0.insert(stem + unread) }
        }
        for scale in ["\(stem)scale_weight", "\(stem)weight_scale"] where store.contains(scale) {
            guard let shape = store.shape(scale), shape.allSatisfy({ $0 == 1 }) else {
                throw .shape(scale, expected: [1], found: store.shape(scale) ?? [])
            }
            return try dense(take(full: scale, shape), scale).converted(to: .f32).floats[0]
        }
        return 1
    }

    private func stored(
        _ entry: CheckpointStore.Entry, _ shape: [Int], _ type: DType, _ name: String
    ) throws(WeightError) -> Tensor {
        if entry.isAligned { return Tensor(mapped: entry.bytes, owner: entry.file, shape, type) }
        try reserve(shape.reduce(1, *), type, name)
        return Tensor(copying: entry.bytes, shape, type)
    }

    /// Throws where there is no memory for a tensor of so many elements, which the file decides.
    private func reserve(_ count: Int, _ type: DType, _ name: String) throws(WeightError) {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: type.bytes)
        guard !overflow, Arena.reserve(bytes) else { throw .memory(name, bytes: overflow ? .max : bytes) }
    }
}

extension Quantization {
    /// The block format of a stored tensor; nil when its elements are plain or the format has no kernel.
    init?(_ type: ElementType) {
        guard let format = Quantization.allCases.first(where: { "\($0)" == type.rawValue }) else { return nil }
        self = format
    }
}
