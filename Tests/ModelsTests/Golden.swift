import Checkpoints
import Foundation
import Tensor
import Vocabulary

/// One file pair of Tests/Goldens/make_goldens.py: a configuration, weights both sides compute, inputs and outputs.
struct Golden: Sendable {
    let config: ConfigObject
    private let file: ConfigObject
    private let tensors: CheckpointStore

    /// LAZULI_GOLDENS names another folder than the committed one, for other seeds and widths.
    static let folder =
        ProcessInfo.processInfo.environment["LAZULI_GOLDENS"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Goldens/models").path

    init(_ name: String) throws {
        file = try ConfigObject(path: "\(Self.folder)/\(name).json")
        config = try file.object("config")
        tensors = try CheckpointStore(path: "\(Self.folder)/\(name).safetensors")
    }

    /// The tensor called `name`, as stored.
    subscript(name: String) -> Tensor {
        get throws {
            let entry = try tensors.entry(name)
            return Tensor(mapped: entry.bytes, owner: entry.file, entry.shape, .f32)
        }
    }

    func has(_ name: String) -> Bool { tensors.contains(name) }

    /// The image called `name`, stored channels first, as channels last.
    func image(_ name: String) throws -> Tensor { try self[name].permuted(0, 2, 3, 1) }

    /// Rows of token ids.
    func ids(_ name: String) throws -> [[Int]] {
        let ids = try self[name]
        return (0..<ids.rows).map { row in
            ids.floats[row * ids.width..<(row + 1) * ids.width].map { Int($0) }
        }
    }

    /// The weights as a checkpoint whose keys `rename` has changed; keys that become nil are left out.
    func store(_ rename: (String) -> String? = { $0 }) throws -> CheckpointStore {
        let table = try file.object("weights")
        let seed = UInt64(try file.int("seed"))
        var stored: [(name: String, shape: [Int], values: [Float])] = []
        for key in table.keys {
            guard let name = rename(key), let numbers = try table.optionalDoubles(key) else { continue }
            let shape = numbers.dropFirst(2).map { Int($0) }
            let values = computed(key, seed, offset: Float(numbers[0]), scale: Float(numbers[1]), shape.reduce(1, *))
            stored.append((name, shape, values))
        }
        return try written(stored)
    }

    func weights(_ precision: Precision = .f32) throws -> Weights { Weights(try store(), precision) }
}

/// Element i of a tensor by its name: Tests/Goldens/weights.py says how.
func computed(_ name: String, _ seed: UInt64, offset: Float, scale: Float, _ count: Int) -> [Float] {
    var state = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } ^ seed
    return (0..<count).map { _ in
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return offset + scale * (Float(Int(z >> 40) - 1 << 23) / Float(1 << 23))
    }
}

/// A safetensors file of f32 tensors, mapped and already removed from its folder.
func written(_ tensors: [(name: String, shape: [Int], values: [Float])]) throws -> CheckpointStore {
    var header: [String] = []
    var data = Data()
    for tensor in tensors {
        let start = data.count
        tensor.values.withUnsafeBytes { data.append(contentsOf: $0) }
        header.append(
            "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(start),\(data.count)]}"
        )
    }
    var text = Data("{\(header.joined(separator: ","))}".utf8)
    text.append(Data(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    var length = UInt64(text.count).littleEndian
    let url = URL.temporaryDirectory.appending(path: "lazuli-\(UUID().uuidString).safetensors")
    try (Data(bytes: &length, count: 8) + text + data).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try CheckpointStore(path: url.path)
}

/// Names of the goldens that begin with one of `prefixes`.
func goldens(_ prefixes: String...) -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: Golden.folder)) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
        .filter { name in prefixes.contains { name.hasPrefix($0) } }.sorted()
}

extension Tensor {
    /// Largest difference to `expected`, as a part of the largest value there; infinite when a value is not finite.
    func error(against expected: Tensor) -> Float {
        precondition(shape == expected.shape, "\(shape) against \(expected.shape)")
        let (found, wanted) = (floats, expected.floats)
        guard found.allSatisfy(\.isFinite) else { return .infinity }
        let largest = wanted.map(abs).max() ?? 0
        return (zip(found, wanted).map { abs($0 - $1) }.max() ?? 0) / max(largest, .leastNormalMagnitude)
    }

    /// Root of the mean squared difference to `expected`, as a part of the root mean square there.
    func deviation(from expected: Tensor) -> Float {
        let (found, wanted) = (floats, expected.floats)
        guard found.allSatisfy(\.isFinite) else { return .infinity }
        let noise = zip(found, wanted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (noise / wanted.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }
}
