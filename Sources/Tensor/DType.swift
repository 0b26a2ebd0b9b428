import CKernels
package import Vocabulary

/// Element type of a tensor that arithmetic reads and writes.
package enum DType: Sendable, Equatable {
    case f32, f16, bf16

    /// Bytes of one element.
    package var bytes: Int { self == .f32 ? 4 : 2 }

    var kernel: lz_dtype {
        switch self {
        case .f32: LZ_F32
        case .f16: LZ_F16
        case .bf16: LZ_BF16
        }
    }
}

/// How a model part computes.
package typealias Precision = Vocabulary.Precision

extension Vocabulary.Precision {
    /// Type of the activations that layers of this precision hand on: f32 on the reference path, else bf16, with f32
    /// accumulation, norms and softmax.
    package var activations: DType { self == .f32 ? .f32 : .bf16 }
}

/// Pointwise non-linearity, by the field's names.
package enum Activation: String, Sendable, CaseIterable {
    case identity, silu, gelu, geluTanh = "gelu_tanh", quickGELU = "quick_gelu", relu, tanh, sigmoid

    /// Takes the names that `config.json` files use: "silu", "swish", "gelu", "gelu_new", "gelu_pytorch_tanh", …
    package init?(rawValue: String) {
        switch rawValue {
        case "identity", "linear": self = .identity
        case "silu", "swish": self = .silu
        case "gelu": self = .gelu
        case "gelu_tanh", "gelu_new", "gelu_pytorch_tanh", "gelu_fast": self = .geluTanh
        case "quick_gelu": self = .quickGELU
        case "relu": self = .relu
        case "tanh": self = .tanh
        case "sigmoid": self = .sigmoid
        default: return nil
        }
    }

    var kernel: lz_activation {
        switch self {
        case .identity: LZ_IDENTITY
        case .silu: LZ_SILU
        case .gelu: LZ_GELU
        case .geluTanh: LZ_GELU_TANH
        case .quickGELU: LZ_QUICK_GELU
        case .relu: LZ_RELU
        case .tanh: LZ_TANH
        case .sigmoid: LZ_SIGMOID
        }
    }
}
