// Timesteps, and other numbers, as vectors.
//
// Paper    Ho et al. 2020, https://arxiv.org/abs/2006.11239, after Vaswani et al. 2017, section 3.5
// Weights  diffusers `Timesteps` (none) and `TimestepEmbedding`

import Checkpoints
import Layers
import Tensor

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Sines and cosines of a number at geometrically spaced frequencies from 1 down to 1/10000.
struct Sinusoids: Sendable {
    let width: Int
    let cosineFirst: Bool
    /// 10000 is reached at the last frequency when 1, one past it when 0.
    let frequencyShift: Float

    /// [values.count, width] in f32.
    func callAsFunction(_ values: [Float]) -> Tensor {
        let half = width / 2
        let decay = -Float(log(10000.0))
        let frequencies = (0..<half).map { expf(decay * Float($0) / (Float(half) - frequencyShift)) }
        var rows: [Float] = []
        rows.reserveCapacity(values.count * width)
        for value in values {
            let sines = frequencies.map { sinf(value * $0) }
            let cosines = frequencies.map { cosf(value * $0) }
            rows += cosineFirst ? cosines + sines : sines + cosines
            if width % 2 == 1 { rows.append(0) }
        }
        return Tensor(rows, [values.count, width])
    }
}

/// Two linear layers with an activation between them: [B, in] → [B, out] in f32.
struct TimestepEmbedding: Sendable {
    let expand, mix: Linear
    /// Brings another vector to the width of what goes in, to be added: in consistency models the scale of guidance
    /// (Meng et al. 2023, https://arxiv.org/abs/2210.03142).
    let condition: Linear?
    let activation: Activation

    init(
        _ weights: Weights, _ width: Int, _ out: Int, _ activation: Activation = .silu, condition other: Int? = nil
    ) throws(WeightError) {
        condition = try other.map { other throws(WeightError) in
            try Linear(weights["cond_proj"], other, width, bias: false)
        }
        expand = try Linear(weights["linear_1"], width, out)
        mix = try Linear(weights["linear_2"], out, out)
        self.activation = activation
    }

    /// `other` [1, …] is the same for all of the batch.
    func callAsFunction(_ x: Tensor, condition other: Tensor? = nil) -> Tensor {
        var x = x
        if let condition, let other { x = x + condition(other, as: .f32)[0] }
        return mix(expand(x, Epilogue(activation), as: .f32), as: .f32)
    }
}
