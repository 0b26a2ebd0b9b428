import Checkpoints
import Kinds
import Synchronization
import Vocabulary
import Tensor

/// What all works of a process share: the models of the machine, the parts in memory and what was measured.
package final class Workshop: Sendable {
    package let registry: Registry
    package let residents: Residents
    package let fingerprints = Fingerprints()
    package let paces = Paces()
    /// The kernel table and the threads.
    package let kernels: String
    package let threads: Int
    /// Memory of the program itself: what it took when it began, scratch memory of the kernels, and tokenizers.
    let ownBytes: Int

    private struct Opened {
        var model: TextToImage
        var peaks: [PeakKey: Int] = [:]
    }

    private struct ModelKey: Hashable {
        var name: String
        var precision: Precision
    }

    private struct PeakKey: Hashable {
        var size: PixelSize
        var branches: Int
        var source: EncodedSource.Form?
        var autoencoder: String?
        var contexts, variants: Int
        var band: Int?
    }

    private let opened = Mutex<[ModelKey: Opened]>([:])

    /// A workshop over the models of `catalog` that takes at most `budgetBytes`; nil: `MemoryBudget.standard`.
    package init(_ catalog: ModelCatalog, budgetBytes: Int? = nil) {
        registry = Registry(catalog)
        residents = Residents(budgetBytes: budgetBytes ?? MemoryBudget.standard)
        kernels = Kernels.name
        threads = Kernels.threads
        ownBytes = residentBytes() + threads * MemoryBudget.scratchBytes + MemoryBudget.tokenizerBytes
    }

    /// The model called `name`, nil: the default; opened again when a file of it has changed.
    func model(_ name: String?, _ precision: Precision) throws -> TextToImage {
        let key = ModelKey(name: name ?? Registry.defaultModel, precision: precision)
        if let known = opened.withLock({ $0[key]?.model }), known.ledger.firstChange == nil { return known }
        let model = try registry.textToImage(key.name, precision)
        let before = opened.withLock { opened in
            defer { opened[key] = Opened(model: model) }
            return opened[key]?.model
        }
        // The old files' parts have nobody who would ask for them again.
        let kept = Set(model.everyPart.map(\.key))
        residents.drop(before?.everyPart.map(\.key).filter { !kept.contains($0) } ?? [])
        return model
    }

    /// The model of a request, with the autoencoder that it names.
    func model(for request: some DrawingParameters) throws -> TextToImage {
        let model = try model(request.model, Precision(wanted: request.precision))
        guard let name = request.vae else { return model }
        return try model.replacingAutoencoder(name, registry.catalog)
    }

    /// The parts that a drawing wants, and the bytes that each takes.
    func parts(_ model: TextToImage, _ plan: TextToImage.Plan) throws -> [PartKey: Int] {
        try Dictionary(
            model.parts(plan).map { ($0.key, try $0.bytes(residents)) }, uniquingKeysWith: { first, _ in first })
    }

    /// The most memory that a picture takes, the program and the model's parts included.
    func peak(_ model: TextToImage, _ plan: TextToImage.Plan) throws -> Int {
        let key = ModelKey(name: model.name, precision: model.precision)
        let peak = PeakKey(
            size: plan.size, branches: plan.terms.count, source: plan.source?.form,
            autoencoder: model.autoencoder?.name, contexts: plan.prompts.contexts,
            variants: plan.prompts.texts.count, band: plan.band)
        let beside = ownBytes + (plan.source?.framing.pictureBytes ?? 0)
        if let known = opened.withLock({ $0[key]?.peaks[peak] }) { return beside + known }
        let bytes = try model.peakBytes(plan)
        opened.withLock { $0[key]?.peaks[peak] = bytes }
        return beside + bytes
    }
}
