// What a drawing would cost, and what is wrong with it, before it begins.

import Kinds
import Vocabulary

extension Drawing {
    static func appraise(
        _ parameters: Parameters, inputs: [Blob: String], _ workshop: Workshop
    ) throws -> JobAppraisal {
        let model = try workshop.model(for: parameters)
        let (plan, peak) = try workshop.affordable(model, try model.plan(parameters, inputs))
        return JobAppraisal(
            estimate: Estimate(
                memoryBytes: peak, budgetBytes: workshop.residents.budgetBytes,
                seconds: seconds(parameters, model, plan, workshop.paces)),
            warnings: model.files.warnings + plan.warnings)
    }

    /// Seconds of a job whose parts are loaded; nil before such a model has drawn.
    private static func seconds(
        _ parameters: Parameters, _ model: TextToImage, _ plan: TextToImage.Plan, _ paces: Paces
    ) -> Double? {
        func pace(_ stage: Stage) -> Double? { paces.seconds(PaceKey(model, plan, stage)) }
        guard let row = pace(.denoise), let decode = pace(.decode) else { return nil }
        let picture = row * Double(plan.rows) + decode + (pace(.write) ?? 0)
        return (pace(.encode) ?? 0) + picture * Double(parameters.count)
    }
}

extension PaceKey {
    init(_ model: TextToImage, _ plan: TextToImage.Plan, _ stage: Stage) {
        self.init(
            model: model.name, precision: model.precision, stage: stage, branches: plan.terms.count,
            pixels: plan.width * plan.height)
    }
}

extension Workshop {
    /// The plan in the way that fits the memory, and the most that it then takes; refuses what never fits. An autoencoder
    /// works on the whole picture where it can, else on bands of it.
    func affordable(
        _ model: TextToImage, _ plan: TextToImage.Plan
    ) throws -> (plan: TextToImage.Plan, peak: Int) {
        let budget = residents.budgetBytes
        let peak = try peak(model, plan)
        if peak <= budget { return (plan, peak) }
        for lines in [512, 256, 128, 64] where plan.band == nil && lines < plan.height {
            var banded = plan
            banded.band = lines
            banded.warnings.append(
                "the memory of \(budget >> 20) MiB holds the picture's autoencoder only in bands of \(lines) lines, "
                    + "which takes longer")
            let peak = try self.peak(model, banded)
            if peak <= budget { return (banded, peak) }
        }
        throw PipelineError.memory(needed: peak, budget: budget)
    }
}
