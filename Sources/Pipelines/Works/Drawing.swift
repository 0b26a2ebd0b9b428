// A picture from a prompt, slice by slice: open the model, read the source if there is one, load the parts, encode text
// and source, then for each picture every row of the sampler's table, the decoding and the file.

import Images
package import JSON
package import Kinds
import Schedulers
import Tensor
import Vocabulary

package struct Drawing<Parameters: DrawingParameters>: KindWork {
    enum Phase: Sendable {
        case open, read, fingerprint
        /// Part of that number.
        case load(Int)
        case encode, encodeSource
        /// Picture of that number, not begun.
        case begin(Int)
        case row, decode, write, done
    }

    /// What is known once the model is open.
    struct Setting: Sendable {
        var model: TextToImage
        var plan: TextToImage.Plan
        /// The request with every choice made.
        var request: Parameters
        var fingerprint = ""
        var promptTokens = 0
        var truncatedText: String?
        var canvas: SourceCanvas?
        var source: EncodedSource?
    }

    /// The picture in work.
    struct Sheet: Sendable {
        var index: Int
        var row: Int
        var noise: LatentNoise
        var state: SamplingState<Tensor>
        /// What the network is shown beside the latents, and what stands outside a mask.
        var shown: Tensor?
        var kept: EncodedSource.Kept?
        var image: Image?
    }

    let asked: Parameters
    let inputs: [Blob: String]
    private let resume: Checkpoint?
    var phase = Phase.open
    var setting: Setting?
    private var restored: DrawingCheckpoint?
    /// One for each pair of prompts.
    private var prepared: [any PreparedBranches] = []
    var preview: LatentPreview?
    var sheet: Sheet?
    private var belongs: DrawingCheckpoint.Belonging?
    private var times = StageTimes()
    private var outcome: Parameters.Result?
    package internal(set) var need: Need

    init(_ parameters: Parameters, inputs: [Blob: String], resume: Checkpoint?) {
        asked = parameters
        self.inputs = inputs
        self.resume = resume
        need = Need(model: parameters.model ?? Registry.defaultModel)
    }

    package var next: Slice? {
        switch phase {
        case .open, .read, .fingerprint, .load: return Slice(.load)
        case .encode, .encodeSource: return Slice(.encode)
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
        desk.workshop.residents.reserve(need.activations)
        switch phase {
        case .open: try open(desk)
        case .read: try read()
        case .fingerprint: try identify(desk)
        case .load(let index): try load(index, desk)
        case .encode: try encode(desk)
        case .encodeSource: try encodeSource(desk)
        case .begin(let index): try begin(index, desk)
        case .row: try denoise(desk)
        case .decode: try decode(desk)
        case .write: try write(desk)
        case .done: preconditionFailure("a work that is done does not advance")
        }
        let duration = ContinuousClock.now - start
        times.add(stage, duration)
        if let setting, stage != .load {
            desk.note(PaceKey(setting.model, setting.plan, stage), duration)
        }
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
        let model = try desk.workshop.model(for: asked)
        let (plan, peak) = try desk.workshop.affordable(model, try model.plan(asked, inputs))
        var request = asked
        request.fill(plan.choices(model))
        setting = Setting(model: model, plan: plan, request: request)
        need = Need(model: model.name, bytes: peak, parts: try desk.workshop.parts(model, plan))
        phase = plan.source == nil ? .fingerprint : .read
    }

    private mutating func read() throws {
        guard let source = asked.source, let framing = setting?.plan.source?.framing else { return }
        let canvas = try SourceCanvas(source, framing, inputs)
        setting?.canvas = canvas
        phase = .fingerprint
    }

    private mutating func identify(_ desk: Desk) throws {
        guard var setting else { return }
        setting.fingerprint = try desk.workshop.fingerprints.hexadecimal(of: setting.model.weightFiles())
        self.setting = setting
        let belongs = DrawingCheckpoint.Belonging(
            kernels: desk.workshop.kernels, model: setting.model, fingerprint: setting.fingerprint,
            plan: setting.plan, parameters: asked.json)
        self.belongs = belongs
        restored = resume.flatMap {
            DrawingCheckpoint(
                $0, belongs: belongs, shape: setting.model.latentShape(setting.plan), count: asked.count,
                rows: setting.plan.rows)
        }
        phase = .load(0)
    }

    private mutating func load(_ index: Int, _ desk: Desk) throws {
        guard let setting else { return }
        let parts = setting.model.parts(setting.plan)
        try parts[index].load(desk.workshop.residents)
        phase = index + 1 < parts.count ? .load(index + 1) : .encode
    }

    private mutating func encode(_ desk: Desk) throws {
        guard var setting else { return }
        let lender = desk.workshop.residents
        var cut: EncodedPrompt?
        for texts in setting.plan.prompts.texts {
            var variant = asked
            (variant.prompt, variant.negativePrompt) = (texts.prompt, texts.negative)
            let prompt = try setting.model.encode(variant, setting.plan, lender)
            prepared.append(try setting.model.prepare(prompt, setting.plan, lender))
            setting.promptTokens = max(setting.promptTokens, prompt.tokens)
            if cut == nil, prompt.truncatedText != nil { cut = prompt }
        }
        setting.truncatedText = cut?.truncatedText
        self.setting = setting
        phase = setting.plan.source == nil ? .begin(restored?.picture ?? 0) : .encodeSource
        // Who goes on from a checkpoint was told before.
        guard restored == nil else { return }
        for warning in setting.model.files.warnings + setting.plan.warnings { desk.warn(warning) }
        if let cut, let text = cut.truncatedText {
            desk.warn("the prompt has \(cut.tokens) tokens of at most \(cut.limit); not read: \(text)")
        }
    }
}

// MARK: Pictures

extension Drawing {
    private mutating func encodeSource(_ desk: Desk) throws {
        guard let setting, let canvas = setting.canvas, let source = setting.plan.source else { return }
        let encoded = try EncodedSource(
            canvas, source.form, setting.model.codec, band: setting.plan.band, desk.workshop.residents)
        self.setting?.source = encoded
        Arena.trim()
        phase = .begin(restored?.picture ?? 0)
    }

    /// Lays out picture `index`, whose seed is the job's plus `index`, as it was when it was left.
    private mutating func begin(_ index: Int, _ desk: Desk) throws {
        guard let setting else { return }
        let plan = setting.plan
        let seed = (asked.seed ?? 0) &+ UInt64(index)
        var noise = LatentNoise(asked.rng, seed: seed, shape: setting.model.latentShape(plan), plan.sampling)
        let beginning =
            setting.source?.begin(plan, &noise)
            ?? EncodedSource.Beginning(latents: noise.draw().scaled(by: plan.sampling.initialNoise))
        var state = SamplingState(latents: beginning.latents)
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
        sheet = Sheet(
            index: index, row: row, noise: noise, state: state, shown: beginning.shown, kept: beginning.kept)
        phase = row < plan.rows ? .row : .decode
        if row < plan.rows { try denoise(desk) }
    }

    private mutating func denoise(_ desk: Desk) throws {
        guard let plan = setting?.plan, var sheet else { return }
        let row = plan.sampling.steps[sheet.row]
        let outputs = try prepared[plan.prompts.ofRow[sheet.row]].predict(
            row.modelInput(sheet.state.latents), source: sheet.shown, timestep: row.timestep, desk.workshop.residents)
        let output = GuidanceRule.rescaled(
            GuidanceRule.combine(outputs, plan.terms), outputs, plan.terms, part: asked.guidanceRescale ?? 0)
        let unguided = row.needsUnguided ? GuidanceRule.unguided(outputs, plan.terms) : nil
        try show(sheet, row, output, desk)
        row.apply(
            output: output, unguided: unguided, noise: sheet.noise.next(for: row), history: plan.sampling.history,
            to: &sheet.state)
        sheet.row += 1
        if let kept = sheet.kept {
            let next = sheet.row < plan.rows ? plan.sampling.steps[sheet.row].level : nil
            sheet.state.latents = kept.blend(sheet.state.latents, next: next)
        }
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
        let picture = try setting.model.codec.decode(
            sheet.state.latents, band: setting.plan.band, desk.workshop.residents)
        guard picture.firstNonFinite == nil else { throw PipelineError.nonFinite(stage: .decode, step: nil) }
        let pixels = picture[0]
        self.sheet?.image = Image(
            width: pixels.shape[1], height: pixels.shape[0], channels: 3, pixels.floats, .signed)
        phase = .write
    }

    private mutating func write(_ desk: Desk) throws {
        guard let setting, let sheet, let drawn = sheet.image else { return }
        let image = try setting.canvas?.finished(drawn) ?? drawn
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
        outcome = DrawingResult(
            model: setting.model.name, modelSHA256: setting.fingerprint, kernels: desk.workshop.kernels,
            threads: desk.workshop.threads, promptTokens: setting.promptTokens, truncatedText: setting.truncatedText,
            framing: setting.plan.source?.framing.note, seconds: times.seconds, peakMemoryBytes: residentPeakBytes(),
            parameters: setting.request)
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
