// Files for the tests: goldens beside the sources, and files written into a folder that is removed afterwards.

import Checkpoints
import Foundation

/// The path of a committed golden.
func golden(_ name: String, _ source: String = #filePath) -> String {
    URL(fileURLWithPath: source).deletingLastPathComponent().appendingPathComponent("Goldens/\(name)").path
}

/// Calls `body` with the path of a fresh folder that is removed afterwards.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = NSTemporaryDirectory() + "lazuli-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

func write(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

/// The error of opening a file of this content, or nil.
func openingError(_ bytes: [UInt8], name: String = "model.safetensors") throws -> CheckpointError? {
    try withFolder { folder in
        try write(bytes, "\(folder)/\(name)")
        do throws(CheckpointError) {
            _ = try CheckpointStore(path: "\(folder)/\(name)")
            return nil
        } catch { return error }
    }
}

/// A safetensors file with this header text and `data` bytes of zeros.
func safetensors(_ header: String, data: Int) -> [UInt8] {
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    bytes += Array(header.utf8)
    return bytes + [UInt8](repeating: 0, count: data)
}

/// A safetensors file of float tensors whose elements are 0, 1, 2 ….
func safetensors(_ tensors: [(name: String, shape: [Int])]) -> [UInt8] {
    var entries: [String] = []
    var data: [UInt8] = []
    for (name, shape) in tensors {
        let start = data.count
        for index in 0..<shape.reduce(1, *) {
            withUnsafeBytes(of: Float(index).bitPattern.littleEndian) { data += Array($0) }
        }
        entries.append(#""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(start),\#(data.count)]}"#)
    }
    return safetensors("{\(entries.joined(separator: ","))}", data: 0) + data
}

/// The elements of an f32 entry, in stored order.
func floats(_ entry: CheckpointStore.Entry) -> [Float] {
    (0..<entry.bytes.count / 4).map { entry.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
}

/// Builds a GGUF by hand, to lie in it.
struct GGUFBytes {
    var bytes: [UInt8] = []

    init(version: UInt32 = 3, tensors: UInt64 = 0, metadata: UInt64 = 0) {
        bytes = Array("GGUF".utf8)
        add(version)
        add(tensors)
        add(metadata)
    }

    mutating func add<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) }
    }

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        bytes += Array(text.utf8)
    }

    mutating func addTensor(_ name: String, _ lengths: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
        add(name)
        add(UInt32(lengths.count))
        for length in lengths { add(length) }
        add(type)
        add(offset)
    }

    mutating func pad(to multiple: Int = 32, data: Int) {
        while bytes.count % multiple != 0 { bytes.append(0) }
        bytes += [UInt8](repeating: 0, count: data)
    }
}
