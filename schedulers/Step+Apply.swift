// What the loop does with a row, over anything that has weighted sums: arrays in tests, tensors in pipelines.

/// Latents, as far as samplers are concerned.
package protocol Combinable {
    /// Σ weight·value, elementwise; `terms` is not empty.
    static func weightedSum(_ terms: [(weight: Float, value: Self)]) -> Self
    /// Every element limited to ±bound.
    func clamped(to bound: Float) -> Self
    /// Every element, in any order.
    var elements: [Float] { get }
}

/// What a run carries from row to row.
package struct SamplingState<Latents: Combinable> {
    package var latents: Latents
    package var saved: Latents?
    /// Predictions of earlier rows, the latest first.
    package var past: [Latents] = []

    package init(latents: Latents) { self.latents = latents }
}

extension SamplingState: Sendable where Latents: Sendable {}

extension Step {
    /// What the model is shown.
    package func modelInput<Latents: Combinable>(_ latents: Latents) -> Latents {
        input == 1 ? latents : .weightedSum([(input, latents)])
    }

    /// The denoised picture that `output` implies, before any clipping.
    package func denoised<Latents: Combinable>(latents: Latents, output: Latents) -> Latents {
        Self.sum([(preview.skip, latents), (preview.out, output)])
    }

    /// Whether the row reads the negative branch's own output.
    package var needsUnguided: Bool {
        remembersUnguided || update.unguided != 0 || (correction?.unguided ?? 0) != 0
    }

    /// Advances the state by one row. `unguided` is the negative branch's output, read where the row needs it; a model
    /// without that branch leaves it out, and its output counts. `noise` is read where `update.noise` is not 0; `history`
    /// is the plan's.
    package func apply<Latents: Combinable>(
        output: Latents, unguided: Latents? = nil, noise: Latents?, history: Int,
        to state: inout SamplingState<Latents>
    ) {
        let prediction = predicted(state.latents, output)
        let other = if needsUnguided, let unguided { predicted(state.latents, unguided) } else { prediction }
        func combined(_ weights: Combination) -> Latents {
            var terms = [
                (weights.latents, state.latents), (weights.output, output), (weights.present, prediction),
                (weights.unguided, other),
            ]
            if let saved = state.saved { terms.append((weights.saved, saved)) }
            for (weight, earlier) in zip(weights.past, state.past) { terms.append((weight, earlier)) }
            if let noise { terms.append((weights.noise, noise)) }
            return Self.sum(terms)
        }
        if let correction { state.latents = combined(correction) }
        if saves { state.saved = state.latents }
        state.latents = combined(update)
        state.past = Array(([remembersUnguided ? other : prediction] + state.past).prefix(history))
    }

    private func predicted<Latents: Combinable>(_ latents: Latents, _ output: Latents) -> Latents {
        var prediction = Self.sum([(skip, latents), (out, output)])
        switch limit {
        case nil: return prediction
        case .range(let bound): prediction = prediction.clamped(to: bound)
        case .quantile(let ratio, let most):
            let bound = min(max(Self.quantile(ratio, of: prediction.elements), 1), most)
            prediction = .weightedSum([(1 / bound, prediction.clamped(to: bound))])
        }
        guard let conversion else { return prediction }
        return Self.sum([(conversion.skip, latents), (conversion.out, prediction)])
    }

    /// torch.quantile of the magnitudes: linear between the two nearest.
    private static func quantile(_ ratio: Float, of elements: [Float]) -> Float {
        let sorted = elements.map(\.magnitude).sorted()
        guard let last = sorted.last else { return 0 }
        let position = ratio * Float(sorted.count - 1)
        let lower = min(Int(position), sorted.count - 1)
        let upper = lower + 1 < sorted.count ? sorted[lower + 1] : last
        return sorted[lower] + (upper - sorted[lower]) * (position - Float(lower))
    }

    /// Leaves out what has weight 0, which saves a pass over memory and keeps 0·∞ out.
    private static func sum<Latents: Combinable>(_ terms: [(Float, Latents)]) -> Latents {
        let kept = terms.filter { $0.0 != 0 }.map { (weight: $0.0, value: $0.1) }
        return .weightedSum(kept.isEmpty ? terms.prefix(1).map { (weight: $0.0, value: $0.1) } : kept)
    }
}

extension SamplingPlan {
    /// Runs the whole table: the reference for every other loop. `noise` is asked for once a draw, in order, or for the
    /// increment of a row with an interval. `negative` is the negative branch, for rows that read it.
    package func run<Latents: Combinable>(
        from latents: Latents, model: (_ input: Latents, _ timestep: Float) -> Latents,
        negative: ((_ input: Latents, _ timestep: Float) -> Latents)? = nil, noise: (Step) -> Latents
    ) -> Latents {
        var state = SamplingState(latents: latents)
        for step in steps {
            let input = step.modelInput(state.latents)
            let output = model(input, step.timestep)
            let unguided = step.needsUnguided ? negative?(input, step.timestep) : nil
            var drawn: Latents?
            for _ in 0..<(step.interval == nil ? step.draws : 1) { drawn = noise(step) }
            step.apply(output: output, unguided: unguided, noise: drawn, history: history, to: &state)
        }
        return state.latents
    }
}

extension [Float]: Combinable {
    package static func weightedSum(_ terms: [(weight: Float, value: [Float])]) -> [Float] {
        var sum = [Float](repeating: 0, count: terms.first?.value.count ?? 0)
        for (weight, value) in terms {
            for i in sum.indices { sum[i] += weight * value[i] }
        }
        return sum
    }

    package func clamped(to bound: Float) -> [Float] {
        map { Swift.min(bound, Swift.max(-bound, $0)) }
    }

    package var elements: [Float] { self }
}
