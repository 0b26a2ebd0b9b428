import Checkpoints
import Tensor
import Testing
import Vocabulary

/// Weights in types that no kernel reads, at any offset.
@Suite struct StoredFloatsTests {
    private func weights<T>(_ entries: [(String, String, [Int], [UInt8])], _ body: (Weights) throws -> T) throws -> T {
        var data: [UInt8] = []
        var header: [String] = []
        for (name, type, shape, bytes) in entries {
            let offsets = [data.count, data.count + bytes.count]
            header.append(#""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#)
            data += bytes
        }
        return try withFolder { folder in
            try write(safetensors("{\(header.joined(separator: ","))}", data: 0) + data, "\(folder)/m.safetensors")
            return try body(Weights(CheckpointStore(path: "\(folder)/m.safetensors"), .f32))
        }
    }

    private func bytes(_ values: [some FixedWidthInteger]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    }

    @Test func `every float of 8 bits has its value`() throws {
        let all = (0...255).map { UInt8($0) }
        try weights([("a.weight", "F8_E5M2", [256], all), ("b.weight", "F8_E4M3", [256], all)]) { weights in
            let (wide, fine) = (try weights.tensor("a.weight", 256).floats, try weights.tensor("b.weight", 256).floats)
            for byte in 0...255 {
                // E5M2 is the upper half of a float16, which the kernels read.
                try self.weights([("h", "F16", [1], bytes([UInt16(byte) << 8]))]) {
                    let half = try $0.tensor("h", 1).floats[0]
                    #expect(half.isNaN ? wide[byte].isNaN : half == wide[byte], "\(byte)")
                }
            }
            #expect(fine[0x01] == 0x1p-9 && fine[0x08] == 0x1p-6 && fine[0x38] == 1 && fine[0x7E] == 448)
            #expect(fine[0x7F].isNaN && fine[0xFF].isNaN)
            for byte in 1..<0x7E {
                #expect(fine[byte] < fine[byte + 1] && fine[byte | 0x80] == -fine[byte], "\(byte)")
                // Neighbours of one exponent are equally far apart.
                if byte >= 8, byte % 8 > 0, byte % 8 < 7 {
                    #expect(fine[byte + 1] - fine[byte] == fine[byte] - fine[byte - 1], "\(byte)")
                }
            }
        }
    }

    @Test func `scaled 8-bit weights are multiplied by the number beside them`() throws {
        let half = bytes([Float(0.5).bitPattern])
        for name in ["m.scale_weight", "m.weight_scale"] {
            for shape in [[], [1], [1, 1]] {
                try weights([
                    ("m.weight", "F8_E4M3", [2, 2], [0x38, 0x40, 0xB8, 0]), (name, "F32", shape, half),
                    ("m.scale_input", "F32", [], half), ("m.bias", "F8_E5M2", [1], [0x3C]),
                ]) { weights in
                    let weight = try weights["m"].tensor("weight", 2, 2).floats
                    let bias = try weights["m"].tensor("bias", 1).floats
                    #expect(weight == [0.5, 1, -0.5, 0] && bias == [1])
                    #expect(weights.unused == [])
                }
            }
        }
        try weights([("m.weight", "F8_E4M3", [2], [0, 0]), ("m.scale_weight", "F32", [2], half + half)]) { weights in
            _ = #expect(throws: WeightError.shape("m.scale_weight", expected: [1], found: [2])) {
                _ = try weights["m"].tensor("weight", 2)
            }
        }
    }

    @Test(arguments: 0..<8) func `tensors of every float type lie at any offset`(offset: Int) throws {
        let pad = ("pad", "U8", [offset], [UInt8](repeating: 7, count: offset))
        for (type, one) in [
            ("F64", bytes([Double(-2.5).bitPattern])), ("F32", bytes([Float(-2.5).bitPattern])),
            ("F16", bytes([UInt16(0xC100)])), ("BF16", bytes([UInt16(0xC020)])), ("F8_E5M2", [0xC1]),
        ] {
            try weights([pad, ("w", type, [1], one)]) {
                let values = try $0.tensor("w", 1).floats + $0.stored("w", 1).converted(to: .f32).floats
                #expect(values == [-2.5, -2.5], "\(type)")
            }
        }
    }
}
