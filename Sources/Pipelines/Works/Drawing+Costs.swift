// What a drawing would cost, and what is wrong with it, before it begins.

import Kinds
import Vocabulary

extension Drawing {
    static func appraise(
        _ parameters: Parameters, inputs: [Blob: String], _ workshop: Workshop
    ) throws -> JobAppraisal {
        let model = try workshop.model(parameters.model, Precision(wanted: parameters.precision))
        let plan = try model.plan(parameters, inputs)
        let peak = try workshop.affordablePeak(model, plan)
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
    /// The most memory that a drawing takes; refuses one that never fits.
    func affordablePeak(_ model: TextToImage, _ plan: TextToImage.Plan) throws -> Int {
        let (peak, budget) = (try peak(model, plan), residents.budgetBytes)
        guard peak <= budget else { throw PipelineError.memory(needed: peak, budget: budget) }
        return peak
    }
}
