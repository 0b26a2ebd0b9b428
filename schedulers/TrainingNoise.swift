// The noise a model was trained with: ᾱ for every training timestep.
//
// Reference: `betas` and `alphas_cumprod` of the diffusers schedulers, which hold them in single precision. ᾱ near 1
// loses half its digits in 1 - ᾱ there, so the same roundings are made here; the product itself runs in double, as
// torch.cumprod does on the CPU.

#if canImport(Glibc)
    import Glibc
#else
    import Foundation
#endif

struct TrainingNoise {
    /// ᾱ, from the least to the most noise.
    let products: [Float]

    /// Levels of the variance-exploding form: σ = √((1 - ᾱ) / ᾱ).
    let sigmas: [Float]

    /// `num_train_timesteps`, which spacing counts by; trained betas may be another number.
    let total: Int

    var count: Int { products.count }

    /// How a class that rescales to zero terminal signal treats the last ᾱ.
    enum Terminal {
        /// Keeps the betas as they are.
        case trained
        /// Signal 0 at the last timestep.
        case zero
        /// As `zero`, but ᾱ = 2⁻²⁴, so that σ is finite.
        case tiny
        /// As `tiny`, with the ᾱ that ComfyUI puts there, and all of them as exact as ComfyUI's are.
        case comfyUI
    }

    /// `start` and `end` are the class's default betas; a class that does not read `rescale_betas_zero_snr` leaves
    /// `rescaled` at trained.
    init(
        _ configuration: SchedulerConfiguration, sampler: Sampler, start: Double = 0.0001, end: Double = 0.02,
        schedule: String = "linear", rescaled: Terminal = .trained
    ) throws(SchedulerError) {
        var betas = try Self.betas(configuration, sampler: sampler, start: start, end: end, schedule: schedule)
        var terminal = Terminal.trained
        if rescaled != .trained, try configuration.flag("rescale_betas_zero_snr", default: false) {
            terminal = rescaled
        }
        total = try configuration.integer("num_train_timesteps", default: 1000)
        guard rescaled != .comfyUI else {
            let bars = Self.exactProducts(betas, rescaled: terminal == .comfyUI)
            products = bars.map { Float($0) }
            sigmas = bars.map { Float(((1 - $0) / $0).squareRoot()) }
            return
        }
        if terminal != .trained { betas = Self.rescaled(betas) }
        var products = Self.products(betas)
        if terminal == .tiny, !products.isEmpty { products[products.count - 1] = 0x1p-24 }
        self.products = products
        sigmas = products.map { ((1 - $0) / $0).squareRoot() }
    }

    /// As ComfyUI holds them, in double precision; rescaled, the last ᾱ is its constant.
    private static func exactProducts(_ betas: [Float], rescaled: Bool) -> [Double] {
        var product = 1.0
        var bars = betas.map {
            product *= 1 - Double($0)
            return product
        }
        guard rescaled, let first = bars.first?.squareRoot(), let last = bars.last?.squareRoot() else { return bars }
        bars = bars.map {
            let root = ($0.squareRoot() - last) * (first / (first - last))
            return root * root
        }
        bars[bars.count - 1] = 4.8973451890853435e-08
        return bars
    }

    /// ᾱ at a training timestep.
    func product(_ timestep: Int) throws(SchedulerError) -> Double {
        guard products.indices.contains(timestep) else {
            throw .timestepOutOfRange(timestep, count: count)
        }
        return Double(products[timestep])
    }

    /// σ between training timesteps, linear in the timestep.
    func sigma(at timestep: Double) -> Double {
        let position = min(max(timestep, 0), Double(count - 1))
        let lower = min(Int(position), count - 2)
        guard lower >= 0 else { return Double(sigmas[0]) }
        let (low, high) = (Double(sigmas[lower]), Double(sigmas[lower + 1]))
        return (high - low) * (position - Double(lower)) + low
    }

    /// The timestep of a noise level, linear in ln σ and within the table.
    func timestep(ofSigma sigma: Double) -> Double {
        let level = log(max(sigma, 1e-10))
        var (low, high) = (0, count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if level >= Double(logarithm(middle)) { low = middle } else { high = middle }
        }
        let (start, end) = (logarithm(low), logarithm(high))
        guard start != end else { return Double(low) }
        let weight = min(max((Double(start) - level) / Double(start - end), 0), 1)
        return (1 - weight) * Double(low) + weight * Double(high)
    }

    /// The training timestep whose ln σ is nearest; of two as near the earlier one.
    func wholeTimestep(ofSigma sigma: Double) -> Int {
        let position = timestep(ofSigma: sigma)
        // A configuration's betas may make levels that are no numbers; the plan is refused for its weights.
        guard position.isFinite else { return 0 }
        let lower = Int(position)
        guard lower + 1 < count else { return count - 1 }
        let level = Float(log(max(sigma, 1e-10)))
        return abs(level - logarithm(lower)) <= abs(level - logarithm(lower + 1)) ? lower : lower + 1
    }

    private func logarithm(_ index: Int) -> Float { Float(log(Double(sigmas[index]))) }

    private static func betas(
        _ configuration: SchedulerConfiguration, sampler: Sampler, start: Double, end: Double, schedule: String
    ) throws(SchedulerError) -> [Float] {
        if let trained = try configuration.numbers("trained_betas"), trained.count > 1 {
            return trained.map { Float($0) }
        }
        let count = try configuration.integer("num_train_timesteps", default: 1000)
        guard count > 1 else { throw .wrongType(key: "num_train_timesteps", expected: "a whole number above 1") }
        let first = try configuration.number("beta_start", default: start)
        let last = try configuration.number("beta_end", default: end)
        switch try configuration.text("beta_schedule", default: schedule) {
        case "linear":
            return line(from: Float(first), to: Float(last), count: count)
        case "scaled_linear":
            return line(from: Float(first.squareRoot()), to: Float(last.squareRoot()), count: count).map { $0 * $0 }
        case "squaredcos_cap_v2":
            // Nichol & Dhariwal 2021, eq. 17.
            func bar(_ time: Double) -> Double {
                let c = cos((time + 0.008) / 1.008 * .pi / 2)
                return c * c
            }
            return capped(bar, count: count)
        case "laplace":
            // Hang et al. 2024: ln(signal / noise)² has a Laplace density.
            func bar(_ time: Double) -> Double {
                let side: Double = time <= 0.5 ? 1 : -1
                let ratio = exp(-0.5 * side * log(1 - 2 * abs(0.5 - time) + 1e-6))
                return (ratio / (1 + ratio)).squareRoot()
            }
            return capped(bar, count: count)
        case "sigmoid":
            let (low, high) = (Float(first), Float(last))
            return line(from: -6, to: 6, count: count).map { (1 / (1 + exp(-$0))) * (high - low) + low }
        case let other:
            throw .unsupported(key: "beta_schedule", value: other, sampler: sampler)
        }
    }

    /// β from a continuous ᾱ, at most 0.999.
    private static func capped(_ bar: (Double) -> Double, count: Int) -> [Float] {
        (0..<count).map {
            Float(min(1 - bar(Double($0 + 1) / Double(count)) / bar(Double($0) / Double(count)), 0.999))
        }
    }

    /// torch.linspace: from both ends towards the middle, with fused multiply-adds.
    private static func line(from start: Float, to end: Float, count: Int) -> [Float] {
        let step = (end - start) / Float(count - 1)
        return (0..<count).map {
            $0 < count / 2 ? start.addingProduct(step, Float($0)) : end.addingProduct(-step, Float(count - 1 - $0))
        }
    }

    private static func products(_ betas: [Float]) -> [Float] {
        var product = 1.0
        return betas.map {
            product *= Double(1 - $0)
            return Float(product)
        }
    }

    /// Lin et al. 2023, algorithm 1: the last timestep holds no signal, the first keeps its own.
    private static func rescaled(_ betas: [Float]) -> [Float] {
        let roots = products(betas).map { $0.squareRoot() }
        guard let first = roots.first, let last = roots.last else { return betas }
        let bars = roots.map {
            let root = ($0 - last) * (first / (first - last))
            return root * root
        }
        return bars.indices.map { 1 - ($0 == 0 ? bars[0] : bars[$0] / bars[$0 - 1]) }
    }
}
