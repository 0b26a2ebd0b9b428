import Tensor

extension TextToImage {
    /// The most bytes that drawing a picture takes at a time, the model's parts included: a walk by shapes through the
    /// parts, the text, two steps and the decoding, as `Drawing` goes.
    func peakBytes(_ plan: Plan) throws -> Int {
        let walk = ShapeWalk()
        return try walk {
            let parts = SketchedParts(walk)
            let texts = try encoder(for: plan).longest(guided: plan.isGuided, parts)
            for part in self.parts(plan) where !part.isOfText { try part.load(parts) }
            let contexts = plan.prompts.contexts
            let branches = plan.terms.map { term in
                (term.text == .prompt ? texts[0] : texts[texts.count - 1]).repeated(contexts)
            }
            let variants = try plan.prompts.texts.map { _ in
                try denoiser.prepare(branches, size: plan.size, guidance: 1, parts)
            }
            let shape = [1, plan.height / codec.factor, plan.width / codec.factor, codec.channels]
            if plan.source != nil {
                _ = try codec.encode(Tensor(zeros: [1, plan.height, plan.width, 3]), band: plan.band, parts)
                Arena.trim()
            }
            var latents = Tensor(zeros: shape)
            for _ in 0..<2 {
                let outputs = try variants[0].predict(latents, source: nil, timestep: 500, parts)
                latents = Tensor.weightedSum(outputs.map { (weight: 1, value: $0) } + [(weight: 1, value: latents)])
            }
            Arena.trim()
            let pixels = try codec.decode(latents, band: plan.band, parts)
            // Floats, then samples and the file beside them.
            walk.pass(pixels.count * (4 + 1))
            walk.pass(pixels.count * 3)
            return walk.peak
        }
    }
}

extension ModelPart {
    /// Whether this is a tokenizer, which has no tensors.
    fileprivate var isOfText: Bool { if case .tokenizer = key.role { true } else { false } }
}

extension Branch {
    /// The same text `count` times one after the other.
    fileprivate func repeated(_ count: Int) -> Branch {
        var branch = self
        branch.hidden = .underEachOther(Array(repeating: hidden, count: count))
        return branch
    }
}
