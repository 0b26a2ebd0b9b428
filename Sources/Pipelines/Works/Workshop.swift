import Checkpoints
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
        var width, height: Int
        var guided: Bool
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
        let kept = Set(model.parts.map(\.key))
        residents.drop(before?.parts.map(\.key).filter { !kept.contains($0) } ?? [])
        return model
    }

    /// A model's parts and the bytes that each takes.
    func parts(_ model: TextToImage) throws -> [PartKey: Int] {
        try Dictionary(model.parts.map { ($0.key, try $0.bytes(residents)) }, uniquingKeysWith: { first, _ in first })
    }

    /// The most memory that a picture of that size takes, the program and the model's parts included.
    func peak(_ model: TextToImage, _ size: PixelSize, guided: Bool) throws -> Int {
        let key = ModelKey(name: model.name, precision: model.precision)
        let peak = PeakKey(width: size.width, height: size.height, guided: guided)
        if let known = opened.withLock({ $0[key]?.peaks[peak] }) { return known }
        let bytes = ownBytes + (try model.peakBytes(size, guided: guided))
        opened.withLock { $0[key]?.peaks[peak] = bytes }
        return bytes
    }
}
