package import Tensor

/// Writes safetensors files: for checkpoints of jobs under way.
package enum SafetensorsWriter {
    /// The file of some tensors in f32, in the order of their names, which are of letters, digits and dots.
    package static func file(_ tensors: [String: Tensor]) -> [UInt8] {
        let ordered = tensors.sorted { $0.key < $1.key }
        var offset = 0
        let entries = ordered.map { name, tensor in
            let begin = offset
            offset += 4 * tensor.count
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            return #""\#(name)":{"dtype":"F32","shape":[\#(shape)],"data_offsets":[\#(begin),\#(offset)]}"#
        }
        var header = Array("{\(entries.joined(separator: ","))}".utf8)
        // The data begins at a multiple of 8.
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        var file: [UInt8] = []
        file.reserveCapacity(8 + header.count + offset)
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { file += $0 }
        file += header
        for (_, tensor) in ordered { tensor.floats.withUnsafeBytes { file += $0 } }
        return file
    }

    /// The tensors of such a file, checked as every other.
    package static func tensors(_ file: [UInt8], name: String) throws -> [String: Tensor] {
        let store = CheckpointStore(try Safetensors(MappedFile(copying: file, name: name)))
        var tensors: [String: Tensor] = [:]
        for name in store.names {
            let entry = try store.entry(name)
            guard entry.type == .f32 else {
                throw CheckpointError.unsupportedType(file: name, tensor: name, type: entry.type.rawValue)
            }
            tensors[name] = Tensor(copying: entry.bytes, entry.shape, .f32)
        }
        return tensors
    }
}
