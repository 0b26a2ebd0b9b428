// Positions as rotations of pairs of elements.
//
// Paper    Su et al. 2021, https://arxiv.org/abs/2104.09864; scaling of Llama 3.1: https://arxiv.org/abs/2407.21783

import Checkpoints
import Tensor

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Frequencies of the rotations of one head.
struct RotaryEmbedding: Sendable {
    /// Radians per position, one for each pair.
    let frequencies: [Float]

    /// θ^(−2i/d), slowed down as `scaling` says.
    init(size: Int, base: Float, scaling: Scaling) {
        frequencies = (0..<size / 2).map { scaling.apply(1 / powf(base, Float(2 * $0) / Float(size))) }
    }

    /// The same, each divided by a factor that the checkpoint stores.
    func divided(by factors: [Float]) -> RotaryEmbedding {
        RotaryEmbedding(frequencies: zip(frequencies, factors).map { $0 / $1 })
    }

    private init(frequencies: [Float]) { self.frequencies = frequencies }

    /// Cosines and sines [count, d/2] in f32 of `count` positions from `start`.
    func table(from start: Int, count: Int) -> (cosine: Tensor, sine: Tensor) {
        let angles = (start..<start + count).flatMap { position in frequencies.map { Float(position) * $0 } }
        let shape = [count, frequencies.count]
        return (Tensor(angles.map { cosf($0) }, shape), Tensor(angles.map { sinf($0) }, shape))
    }

    /// How frequencies are adapted to a longer context than the model was first trained on.
    enum Scaling: Sendable, Equatable {
        case none
        case linear(factor: Float)
        /// Wavelengths beyond context/low are multiplied by the factor, those below context/high are kept, with a
        /// linear passage between.
        case llama3(factor: Float, low: Float, high: Float, context: Float)

        func apply(_ frequency: Float) -> Float {
            switch self {
            case .none: return frequency
            case .linear(let factor): return frequency / factor
            case .llama3(let factor, let low, let high, let context):
                let wavelength = 2 * Float.pi / frequency
                if wavelength > context / low { return frequency / factor }
                if wavelength < context / high { return frequency }
                let weight = (context / wavelength - low) / (high - low)
                return (1 - weight) * frequency / factor + weight * frequency
            }
        }

        /// `rope_scaling` or `rope_parameters` of a `config.json`; nil when it has neither.
        init(_ json: ConfigObject?) throws(ConfigError) {
            guard let json else {
                self = .none
                return
            }
            let key = json.has("rope_type") ? "rope_type" : "type"
            switch try json.string(key, default: "default") {
            case "default", "mrope": self = .none
            case "linear": self = .linear(factor: try json.positive("factor"))
            case "llama3":
                self = .llama3(
                    factor: try json.positive("factor"), low: try json.positive("low_freq_factor"),
                    high: try json.positive("high_freq_factor"),
                    context: try json.positive("original_max_position_embeddings"))
            case let other:
                throw .value(file: json.file, key: key, found: other, known: ["default", "linear", "llama3"])
            }
        }
    }
}
