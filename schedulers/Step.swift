// A sampler is a table: every row is one call of the model and a linear update. The loop that runs the rows knows no
// sampler, and no sampler knows a tensor. README.md lists the samplers.

/// One call of the model and what follows it.
///
/// With x the latents, `output = model(input·x, timestep)`:
///
///     prediction = skip·x + out·output          limited, and then converted, if the row says so
///     x ← correction                            if there is one
///     saved ← x                                 if saves
///     x ← update
///     past ← [prediction] + past
///
/// Where the row names the unguided prediction (CFG++), the same is made of the negative branch's output alone.
package struct Step: Sendable, Equatable {
    /// What the model is told: in units of the training timesteps, fractional where the reference's is.
    package var timestep: Float
    /// Scale of the model's input.
    package var input: Float = 1
    /// The prediction from the latents and the model's output; what it predicts is the sampler's choice.
    package var skip: Float
    package var out: Float
    /// Bound of the prediction, for models whose data lie in a known range.
    package var limit: Limit?
    /// The prediction from the latents and the limited one, where what is limited is not what the method steps with.
    package var conversion: Preview?
    /// Replaces the latents before the update (UniPC's corrector).
    package var correction: Combination?
    /// Whether the latents, corrected, are kept for later rows.
    package var saves = false
    /// Whether later rows see the unguided prediction as `past`.
    package var remembersUnguided = false
    package var update: Combination
    /// Normal draws of the latents' size that the row takes from the job's generator; 1 even where the noise's weight is
    /// 0, when the reference draws and discards.
    package var draws = 0
    /// Set where the noise is a Brownian path's increment between two noise levels, and no draw.
    package var interval: Interval?
    /// Denoised picture = preview.skip·x + preview.out·output, at the row's entry.
    package var preview: Preview
    /// How much signal and noise the latents hold at the row's entry: where image-to-image starts and what inpainting
    /// blends in.
    package var level: NoiseLevel

    package enum Limit: Sendable, Equatable {
        /// Clamped to ±range.
        case range(Float)
        /// Dynamic thresholding (Saharia et al. 2022): clamped to ±s and divided by s, where s is this quantile of the
        /// magnitudes, but at least 1 and at most `most`.
        case quantile(Float, most: Float)
    }

    package struct Interval: Sendable, Equatable {
        package var from: Float
        package var to: Float
    }

    package struct Preview: Sendable, Equatable {
        package var skip: Float
        package var out: Float
    }
}

/// latents·x + saved·saved + output·output + present·prediction + unguided·unguided + Σ past[k]·past[k] + noise·ε
package struct Combination: Sendable, Equatable {
    package var latents: Float = 0
    package var saved: Float = 0
    package var output: Float = 0
    package var present: Float = 0
    /// Weight of the prediction that the negative branch's output alone makes.
    package var unguided: Float = 0
    /// Weights of earlier rows' predictions, the latest first.
    package var past: [Float] = []
    package var noise: Float = 0
}

/// x = signal·picture + noise·ε
package struct NoiseLevel: Sendable, Equatable {
    package var signal: Float
    package var noise: Float
}

/// A run: the rows and what the loop must prepare for them.
package struct SamplingPlan: Sendable, Equatable {
    package var steps: [Step]
    /// Scale of the normal draw that text-to-image starts from. Image-to-image starts from `steps[0].level` instead.
    package var initialNoise: Float
    /// How many past predictions the rows refer to.
    package var history: Int
    /// The noise levels that bound the Brownian path of rows with an `interval`.
    package var path: Step.Interval?
    /// Seed of that path where the checkpoint fixes it; the job's seed otherwise.
    package var pathSeed: UInt64?
    /// Names of the request's parameters that this sampler has no use for.
    package var ignored: [String] = []

    /// Whether a row reads the negative branch's own output, so that the branch is evaluated at any scale of guidance.
    package var needsUnguided: Bool { steps.contains(where: \.needsUnguided) }
}
