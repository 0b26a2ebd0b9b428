import Foundation

/// A file of `Goldens`, read front to back.
struct Golden {
    private let bytes: [UInt8]
    private var position = 0

    init(_ name: String, in file: String = #filePath) throws {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Goldens")
        bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    var isAtEnd: Bool { position == bytes.count }

    /// The next `count` values, little endian.
    mutating func next<Value: BitwiseCopyable>(_ count: Int, of type: Value.Type) -> [Value] {
        let end = position + count * MemoryLayout<Value>.stride
        precondition(end <= bytes.count, "the golden ends early")
        defer { position = end }
        return bytes.withUnsafeBytes { buffer in
            (0..<count).map {
                buffer.loadUnaligned(fromByteOffset: position + $0 * MemoryLayout<Value>.stride, as: type)
            }
        }
    }

    mutating func nextCounts(_ count: Int) -> [Int] { next(count, of: UInt32.self).map(Int.init) }
}
