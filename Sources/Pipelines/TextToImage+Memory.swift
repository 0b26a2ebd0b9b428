import Tensor

extension TextToImage {
    /// The most bytes that drawing a picture takes at a time, the model's parts included: a walk by shapes through the
    /// parts, the text, two steps and the decoding, as `Drawing` goes.
    func peakBytes(_ size: PixelSize, guided: Bool) throws -> Int {
        let walk = ShapeWalk()
        return try walk {
            let parts = SketchedParts(walk)
            let branches = try encoder.longest(guided: guided, parts)
            for part in self.parts where !part.isOfText { try part.load(parts) }
            let prepared = try denoiser.prepare(branches, size: size, guidance: 1, parts)
            let shape = [1, size.height / codec.factor, size.width / codec.factor, codec.channels]
            var latents = Tensor(zeros: shape)
            for _ in 0..<2 {
                let outputs = try prepared.predict(latents, timestep: 500, parts)
                latents = Tensor.weightedSum(outputs.map { (weight: 1, value: $0) } + [(weight: 1, value: latents)])
            }
            Arena.trim()
            let pixels = try codec.decode(latents, parts)
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
