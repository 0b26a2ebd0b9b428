// A picture from a prompt, slice by slice: open the model, load its parts, encode the text, then for each picture every
// row of the sampler's table, the decoding and the file.

import Images
package import JSON
import Kinds
import Schedulers
import Tensor
import Vocabulary

package struct Drawing: KindWork {
    private enum Phase: Sendable {
        case open, fingerprint
        /// Part of that number.
        case load(Int)
        case encode
        /// Picture of that number, not begun.
        case begin(Int)
        case row, decode, write, done
    }

    /// What is known once the model is open.
    private struct Setting: Sendable {
        var model: TextToImage
        var plan: TextToImage.Plan
        /// The request with every choice made.
        var request: Generate
        var fingerprint = ""
        var promptTokens = 0
        var truncatedText: String?
    }

    /// The picture in work.
    private struct Sheet: Sendable {
        var index: Int
        var row: Int
        var noise: LatentNoise
        var state: SamplingState<Tensor>
        var image: Image?
    }

    private let asked: Generate
    private let resume: Checkpoint?
    private var phase = Phase.open
    private var setting: Setting?
    private var restored: DrawingCheckpoint?
    private var prepared: (any PreparedBranches)?
    private var sheet: Sheet?
    private var belongs: DrawingCheckpoint.Belonging?
    private var times = StageTimes()
    private var outcome: Generate.Result?
    package private(set) var need: Need

    init(_ parameters: Generate, inputs: [Blob: String], resume: Checkpoint?) {
        asked = parameters
        self.resume = resume
        need = Need(model: parameters.model ?? Registry.defaultModel)
    }

    package var next: Slice? {
        switch phase {
        case .open, .fingerprint, .load: return Slice(.load)
        case .encode: return Slice(.encode)
        case .begin(let index): return slice(.denoise, index, restored?.picture == index ? restored?.row ?? 0 : 0)
        case .row: return slice(.denoise, sheet?.index ?? 0, sheet?.row ?? 0)
        case .decode: return slice(.decode, sheet?.index ?? 0, sheet?.row ?? 0)
        case .write: return slice(.write, sheet?.index ?? 0, sheet?.row ?? 0)
        case .done: return nil
        }
    }

    private func slice(_ stage: Stage, _ index: Int, _ row: Int) -> Slice {
        let rows = setting?.plan.rows ?? 0
        return Slice(stage, step: index * rows + row, of: rows * asked.count)
    }

    package mutating func advance(_ desk: Desk) throws {
        let start = ContinuousClock.now
        let stage = next?.stage ?? .write
        let pixels = (setting?.plan.width ?? 0) * (setting?.plan.height ?? 0)
        desk.workshop.residents.reserve(need.activations)
        switch phase {
        case .open: try open(desk)
        case .fingerprint: try identify(desk)
        case .load(let index): try load(index, desk)
        case .encode: try encode(desk)
        case .begin(let index): try begin(index, desk)
        case .row: try denoise(desk)
        case .decode: try decode(desk)
        case .write: try write(desk)
        case .done: preconditionFailure("a work that is done does not advance")
        }
        let duration = ContinuousClock.now - start
        times.add(stage, duration)
        if let setting, stage != .load { desk.note(paceKey(setting, stage, pixels), duration) }
        if case .done = phase { try finish(desk) }
    }

    package func result() throws -> JSON {
        guard let outcome else { preconditionFailure("a work that is not done has no result") }
        return try outcome.asJSON()
    }
}

// MARK: Before the first step

extension Drawing {
    private mutating func open(_ desk: Desk) throws {
        let model = try desk.workshop.model(asked.model, Precision(wanted: asked.precision))
        let plan = try model.plan(asked)
        let peak = try desk.workshop.peak(model, plan.size, guided: plan.isGuided)
        guard peak <= desk.workshop.residents.budgetBytes else {
            throw PipelineError.memory(needed: peak, budget: desk.workshop.residents.budgetBytes)
        }
        setting = Setting(model: model, plan: plan, request: Generate(asked, plan, model))
        need = Need(model: model.name, bytes: peak, parts: try desk.workshop.parts(model))
        phase = .fingerprint
    }

    private mutating func identify(_ desk: Desk) throws {
        guard var setting else { return }
        setting.fingerprint = try desk.workshop.fingerprints.hexadecimal(of: setting.model.weightFiles())
        self.setting = setting
        let belongs = DrawingCheckpoint.Belonging(
            kernels: desk.workshop.kernels, model: setting.model, fingerprint: setting.fingerprint,
            plan: setting.plan, parameters: asked)
        self.belongs = belongs
        restored = resume.flatMap {
            DrawingCheckpoint(
                $0, belongs: belongs, shape: setting.model.latentShape(setting.plan), count: asked.count,
                rows: setting.plan.rows)
        }
        phase = .load(0)
    }

    private mutating func load(_ index: Int, _ desk: Desk) throws {
        guard let parts = setting?.model.parts else { return }
        try parts[index].load(desk.workshop.residents)
        phase = index + 1 < parts.count ? .load(index + 1) : .encode
    }

    private mutating func encode(_ desk: Desk) throws {
        guard var setting else { return }
        let lender = desk.workshop.residents
        let prompt = try setting.model.encode(asked, setting.plan, lender)
        prepared = try setting.model.prepare(prompt, setting.plan, lender)
        setting.promptTokens = prompt.tokens
        setting.truncatedText = prompt.truncatedText
        self.setting = setting
        phase = .begin(restored?.picture ?? 0)
        // Who goes on from a checkpoint was told before.
        guard restored == nil else { return }
        for warning in setting.model.files.warnings { desk.warn(warning) }
        for parameter in setting.plan.sampling.ignored {
            desk.warn("\(parameter) has no effect with the sampler \(setting.plan.sampler.rawValue)")
        }
        if let cut = prompt.truncatedText {
            desk.warn("the prompt has \(prompt.tokens) tokens of at most \(prompt.limit); not read: \(cut)")
        }
    }
}

// MARK: Pictures

extension Drawing {
    /// Lays out picture `index`, whose seed is the job's plus `index`, as it was when it was left.
    private mutating func begin(_ index: Int, _ desk: Desk) throws {
        guard let setting else { return }
        let plan = setting.plan
        let seed = (asked.seed ?? 0) &+ UInt64(index)
        var noise = LatentNoise(asked.rng, seed: seed, shape: setting.model.latentShape(plan), plan.sampling)
        var state = SamplingState(latents: noise.draw().scaled(by: plan.sampling.initialNoise))
        var row = 0
        if let restored, restored.picture == index, let kept = restored.state {
            row = restored.row
            state = kept
            for done in plan.sampling.steps.prefix(row) {
                guard KernelWork.goesOn() else { throw PipelineError.abandoned }
                noise.skip(done)
            }
        }
        restored = nil
        sheet = Sheet(index: index, row: row, noise: noise, state: state)
        phase = row < plan.rows ? .row : .decode
        if row < plan.rows { try denoise(desk) }
    }

    private mutating func denoise(_ desk: Desk) throws {
        guard let plan = setting?.plan, let prepared, var sheet else { return }
        let row = plan.sampling.steps[sheet.row]
        let outputs = try prepared.predict(
            row.modelInput(sheet.state.latents), timestep: row.timestep, desk.workshop.residents)
        let output = GuidanceRule.combine(outputs, plan.terms)
        let unguided = row.needsUnguided ? GuidanceRule.unguided(outputs, plan.terms) : nil
        row.apply(
            output: output, unguided: unguided, noise: sheet.noise.next(for: row), history: plan.sampling.history,
            to: &sheet.state)
        sheet.row += 1
        guard sheet.state.latents.firstNonFinite == nil else {
            throw PipelineError.nonFinite(stage: .denoise, step: sheet.row)
        }
        self.sheet = sheet
        if sheet.row == plan.rows { phase = .decode } else { phase = .row }
    }

    private mutating func decode(_ desk: Desk) throws {
        guard let setting, let sheet else { return }
        // Decoding has tensors of other sizes than denoising, so what the denoiser's left is given back first.
        Arena.trim()
        let picture = try setting.model.codec.decode(sheet.state.latents, desk.workshop.residents)
        guard picture.firstNonFinite == nil else { throw PipelineError.nonFinite(stage: .decode, step: nil) }
        let pixels = picture[0]
        self.sheet?.image = Image(
            width: pixels.shape[1], height: pixels.shape[0], channels: 3, pixels.floats, .signed)
        phase = .write
    }

    private mutating func write(_ desk: Desk) throws {
        guard let setting, let sheet, let image = sheet.image else { return }
        // The recipe names the files that the pixels came from.
        if let file = setting.model.ledger.firstChange {
            throw PipelineError.changed(model: setting.model.name, file: file)
        }
        let seed = (asked.seed ?? 0) &+ UInt64(sheet.index)
        let (bytes, omitted) = try PictureFile(
            request: setting.request, seed: seed, fingerprint: setting.fingerprint, kernels: desk.workshop.kernels
        ).encode(image)
        if let omitted, sheet.index == 0 { desk.warn(omitted) }
        desk.deliver(
            Output(
                index: sheet.index, format: asked.format, width: image.width, height: image.height, bytes: bytes.count,
                sha256: digest(bytes), seed: seed), bytes)
        self.sheet = nil
        phase = sheet.index + 1 < asked.count ? .begin(sheet.index + 1) : .done
    }

    private mutating func finish(_ desk: Desk) throws {
        guard let setting else { return }
        outcome = Generate.Result(
            model: setting.model.name, modelSHA256: setting.fingerprint, kernels: desk.workshop.kernels,
            threads: desk.workshop.threads, promptTokens: setting.promptTokens, truncatedText: setting.truncatedText,
            seconds: times.seconds, peakMemoryBytes: residentPeakBytes(), parameters: setting.request)
    }

    package func checkpoint() throws -> Checkpoint? {
        if restored != nil { return resume }
        guard let belongs else { return nil }
        if let sheet, sheet.row > 0 {
            return DrawingCheckpoint(picture: sheet.index, row: sheet.row, state: sheet.state).encoded(belongs)
        }
        guard case .begin(let index) = phase, index > 0 else { return nil }
        return DrawingCheckpoint(picture: index, row: 0, state: nil).encoded(belongs)
    }
}

// MARK: Costs

extension Drawing {
    static func appraise(_ parameters: Generate, _ workshop: Workshop) throws -> JobAppraisal {
        let model = try workshop.model(parameters.model, Precision(wanted: parameters.precision))
        let plan = try model.plan(parameters)
        let budget = workshop.residents.budgetBytes
        let peak = try workshop.peak(model, plan.size, guided: plan.isGuided)
        guard peak <= budget else { throw PipelineError.memory(needed: peak, budget: budget) }
        let warnings =
            model.files.warnings
            + plan.sampling.ignored.map { "\($0) has no effect with the sampler \(plan.sampler.rawValue)" }
        return JobAppraisal(
            estimate: Estimate(
                memoryBytes: peak, budgetBytes: budget, seconds: seconds(parameters, model, plan, workshop.paces)),
            warnings: warnings)
    }

    /// Seconds of a job whose parts are loaded; nil before such a model has drawn.
    private static func seconds(
        _ parameters: Generate, _ model: TextToImage, _ plan: TextToImage.Plan, _ paces: Paces
    ) -> Double? {
        func pace(_ stage: Stage) -> Double? {
            paces.seconds(
                PaceKey(
                    model: model.name, precision: model.precision, stage: stage, branches: plan.terms.count,
                    pixels: plan.width * plan.height))
        }
        guard let row = pace(.denoise), let decode = pace(.decode) else { return nil }
        let picture = row * Double(plan.rows) + decode + (pace(.write) ?? 0)
        return (pace(.encode) ?? 0) + picture * Double(parameters.count)
    }

    private func paceKey(_ setting: Setting, _ stage: Stage, _ pixels: Int) -> PaceKey {
        PaceKey(
            model: setting.model.name, precision: setting.model.precision, stage: stage,
            branches: setting.plan.terms.count, pixels: pixels)
    }
}
