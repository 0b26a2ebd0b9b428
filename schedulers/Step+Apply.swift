// What the loop does with a row, over anything that has weighted sums: arrays in tests, tensors in pipelines.

/// Latents, as far as samplers are concerned.
package protocol Combinable {
    /// Σ weight·value, elementwise; `terms` is not empty.
    static func weightedSum(_ terms: [(weight: Float, value: Self)]) -> Self
    /// Every element limited to ±bound.
    func clamped(to bound: Float) -> Self
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

    /// Advances the state by one row. `noise` is read where `update.noise` is not 0; `history` is the plan's.
    package func apply<Latents: Combinable>(
        output: Latents, noise: Latents?, history: Int, to state: inout SamplingState<Latents>
    ) {
        var prediction = Self.sum([(skip, state.latents), (out, output)])
        if let clip { prediction = prediction.clamped(to: clip) }
        func combined(_ weights: Combination) -> Latents {
            var terms = [(weights.latents, state.latents), (weights.output, output), (weights.present, prediction)]
            if let saved = state.saved { terms.append((weights.saved, saved)) }
            for (weight, earlier) in zip(weights.past, state.past) { terms.append((weight, earlier)) }
            if let noise { terms.append((weights.noise, noise)) }
            return Self.sum(terms)
        }
        if let correction { state.latents = combined(correction) }
        if saves { state.saved = state.latents }
        state.latents = combined(update)
        state.past = Array(([prediction] + state.past).prefix(history))
    }

    /// Leaves out what has weight 0, which saves a pass over memory and keeps 0·∞ out.
    private static func sum<Latents: Combinable>(_ terms: [(Float, Latents)]) -> Latents {
        let kept = terms.filter { $0.0 != 0 }.map { (weight: $0.0, value: $0.1) }
        return .weightedSum(kept.isEmpty ? terms.prefix(1).map { (weight: $0.0, value: $0.1) } : kept)
    }
}

extension SamplingPlan {
    /// Runs the whole table: the reference for every other loop. `noise` is asked for once a draw, in order, or for the
    /// increment of a row with an interval.
    package func run<Latents: Combinable>(
        from latents: Latents, model: (_ input: Latents, _ timestep: Float) -> Latents, noise: (Step) -> Latents
    ) -> Latents {
        var state = SamplingState(latents: latents)
        for step in steps {
            let output = model(step.modelInput(state.latents), step.timestep)
            var drawn: Latents?
            for _ in 0..<(step.interval == nil ? step.draws : 1) { drawn = noise(step) }
            step.apply(output: output, noise: drawn, history: history, to: &state)
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
}
