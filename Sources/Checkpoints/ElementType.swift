// Types of stored elements, of safetensors and of GGUF. Quantised types store blocks of elements along the last axis.

/// How the elements of a stored tensor are encoded; the raw value is the name for messages.
package enum ElementType: String, Sendable, CaseIterable {
    case f64, f32, f16, bf16, f8_e4m3, f8_e5m2, i64, i32, i16, i8, u64, u32, u16, u8, bool
    case q4_0, q4_1, q5_0, q5_1, q8_0, q2_K, q3_K, q4_K, q5_K, q6_K, q8_K
    case iq1_s, iq1_m, iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s, iq4_nl, iq4_xs, tq1_0, tq2_0, mxfp4

    /// Elements of one block (1 for the plain types) and its bytes, as ggml's block structs have them.
    package var block: (elements: Int, bytes: Int) {
        switch self {
        case .f64, .i64, .u64: (1, 8)
        case .f32, .i32, .u32: (1, 4)
        case .f16, .bf16, .i16, .u16: (1, 2)
        case .f8_e4m3, .f8_e5m2, .i8, .u8, .bool: (1, 1)
        case .q4_0, .iq4_nl: (32, 18)
        case .q4_1: (32, 20)
        case .q5_0: (32, 22)
        case .q5_1: (32, 24)
        case .q8_0: (32, 34)
        case .mxfp4: (32, 17)
        case .q2_K: (256, 84)
        case .q3_K, .iq3_s: (256, 110)
        case .q4_K: (256, 144)
        case .q5_K: (256, 176)
        case .q6_K: (256, 210)
        case .q8_K: (256, 292)
        case .iq1_s: (256, 50)
        case .iq1_m: (256, 56)
        case .iq2_xxs, .tq2_0: (256, 66)
        case .iq2_xs: (256, 74)
        case .iq2_s: (256, 82)
        case .iq3_xxs: (256, 98)
        case .iq4_xs: (256, 136)
        case .tq1_0: (256, 54)
        }
    }

    /// Address multiple that plain elements need; 1 for blocks, which are read bytewise.
    package var alignment: Int { block.elements == 1 ? block.bytes : 1 }

    /// Bytes of a tensor of `shape`; nil when the product overflows or the last axis is not whole blocks.
    package func byteCount(_ shape: [Int]) -> Int? {
        let (elements, bytes) = block
        guard elements == 1 || (shape.last ?? 1) % elements == 0 else { return nil }
        var count = 1
        // Zero first: [0, 2⁶², 8] holds nothing and must not count as an overflow.
        if shape.contains(0) { return 0 }
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard !overflow, length >= 0 else { return nil }
            count = product
        }
        let (total, overflow) = (count / elements).multipliedReportingOverflow(by: bytes)
        return overflow ? nil : total
    }

    /// The type that safetensors calls `name`; nil for floats below 8 bits, for other
    /// 8-bit floats and for complex numbers.
    init?(safetensors name: String) {
        switch name {
        case "F64": self = .f64
        case "F32": self = .f32
        case "F16": self = .f16
        case "BF16": self = .bf16
        case "F8_E4M3": self = .f8_e4m3
        case "F8_E5M2": self = .f8_e5m2
        case "I64": self = .i64
        case "I32": self = .i32
        case "I16": self = .i16
        case "I8": self = .i8
        case "U64": self = .u64
        case "U32": self = .u32
        case "U16": self = .u16
        case "U8": self = .u8
        case "BOOL": self = .bool
        default: return nil
        }
    }

    /// The type with this number in GGUF (enum ggml_type).
    init?(ggml number: UInt32) {
        let types: [UInt32: ElementType] = [
            0: .f32, 1: .f16, 2: .q4_0, 3: .q4_1, 6: .q5_0, 7: .q5_1, 8: .q8_0, 10: .q2_K, 11: .q3_K, 12: .q4_K,
            13: .q5_K, 14: .q6_K, 15: .q8_K, 16: .iq2_xxs, 17: .iq2_xs, 18: .iq3_xxs, 19: .iq1_s, 20: .iq4_nl,
            21: .iq3_s, 22: .iq2_s, 23: .iq4_xs, 24: .i8, 25: .i16, 26: .i32, 27: .i64, 28: .f64, 29: .iq1_m,
            30: .bf16, 34: .tq1_0, 35: .tq2_0, 39: .mxfp4,
        ]
        guard let type = types[number] else { return nil }
        self = type
    }
}
