/// Time left in the denoising of a job, from the steps of the current picture.
struct StepClock {
    private let steps: Int

    /// `steps` over all pictures.
    init(steps: Int) { self.steps = steps }

    /// Seconds until the last step when `done` steps of the job are over and the current picture, begun at `start`, has
    /// had `step` of them; nil before its first step has ended.
    func remaining(done: Int, since start: ContinuousClock.Instant, at step: Int) -> Double? {
        guard step > 0 else { return nil }
        return (ContinuousClock.now - start).inSeconds / Double(step) * Double(max(0, steps - done))
    }
}
