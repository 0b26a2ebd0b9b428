// The three forms of noised latents in one: x = signal·x₀ + noise·ε.
//
//     variance exploding   signal 1,       noise σ        (k-diffusion's latents; the model sees x / √(1 + σ²))
//     variance preserving  signal √ᾱ,      noise √(1 - ᾱ)
//     flow                 signal 1 - σ,   noise σ

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

struct Level {
    let signal, noise: Double

    static func exploding(_ sigma: Double) -> Level { Level(signal: 1, noise: sigma) }

    /// From ᾱ.
    static func preserving(_ product: Double) -> Level {
        Level(signal: product.squareRoot(), noise: (1 - product).squareRoot())
    }

    /// The variance-preserving level with the exploding form's σ.
    static func preserving(sigma: Double) -> Level {
        let signal = 1 / (sigma * sigma + 1).squareRoot()
        return Level(signal: signal, noise: sigma * signal)
    }

    static func flow(_ sigma: Double) -> Level { Level(signal: 1 - sigma, noise: sigma) }

    /// ln(signal / noise), the solvers' λ.
    var logRatio: Double { log(signal) - log(noise) }

    var entry: NoiseLevel { NoiseLevel(signal: Float(signal), noise: Float(noise)) }

    /// A linear expression skip·x + out·output.
    struct Linear {
        var skip, out: Double
    }

    /// x₀ from the latents and what the model put out.
    func denoised(_ objective: Objective) -> Linear {
        switch objective {
        case .epsilon: Linear(skip: 1 / signal, out: -noise / signal)
        case .velocity: Linear(skip: signal / power, out: -noise / power.squareRoot())
        case .sample: Linear(skip: 0, out: 1)
        case .flow: Linear(skip: 1, out: -noise)
        }
    }

    /// ε from the latents and what the model put out.
    func epsilon(_ objective: Objective) -> Linear {
        switch objective {
        case .epsilon: Linear(skip: 0, out: 1)
        case .velocity: Linear(skip: noise / power, out: signal / power.squareRoot())
        case .sample: Linear(skip: 1 / noise, out: -signal / noise)
        case .flow: Linear(skip: 1, out: signal)
        }
    }

    private var power: Double { signal * signal + noise * noise }
}

extension Step.Preview {
    init(_ linear: Level.Linear) { self.init(skip: Float(linear.skip), out: Float(linear.out)) }
}
