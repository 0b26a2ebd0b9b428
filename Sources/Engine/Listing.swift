import API
import Checkpoints
import Foundation
import Kinds
import Pipelines
import Schedulers
import Synchronization
import Vocabulary
import Wire

/// The models of the machine, page by page. Pages belong together: the first one looks at the disk, the others go on with
/// what it saw.
final class Listing: Sendable {
    private struct Known {
        var ledger: FileLedger
        var info: ModelInfo
    }

    private struct State {
        var models: [ModelInfo] = []
        var taken: ContinuousClock.Instant?
        /// What was found of models whose files are still the same.
        var known: [String: Known] = [:]
    }

    private let registry: Registry
    private let state = Mutex(State())

    /// Who asks so soon after another sees what that one saw.
    private static let freshness = Duration.milliseconds(500)
    /// JSON of one page.
    private static let pageBytes = 1 << 20

    init(_ registry: Registry) {
        self.registry = registry
    }

    func page(_ from: Int) -> Answer {
        let models = from == 0 ? look() : state.withLock { $0.models }
        var page: [ModelInfo] = []
        var bytes = 0
        for model in models.dropFirst(max(0, from)) {
            bytes += (try? JSONEncoder().encode(model))?.count ?? 0
            if bytes > Self.pageBytes && !page.isEmpty { break }
            page.append(model)
        }
        let next = max(0, from) + page.count
        return .models(page, next: next < models.count ? next : nil)
    }

    private func look() -> [ModelInfo] {
        let (last, known) = state.withLock { state in
            (state.taken.flatMap { ContinuousClock.now - $0 < Self.freshness ? state.models : nil }, state.known)
        }
        if let last { return last }
        var found: [String: Known] = [:]
        let models = registry.catalog.entries.map { entry in
            let model =
                known[entry.path].flatMap { $0.ledger.firstChange == nil ? $0 : nil } ?? describe(entry)
            found[entry.path] = model
            return model.info
        }
        state.withLock { $0 = State(models: models, taken: .now, known: found) }
        return models
    }

    /// What is known of a model from its configurations and headers.
    private func describe(_ entry: ModelCatalog.Entry) -> Known {
        let size = FolderSize(entry.path)
        var info = ModelInfo(
            id: entry.name.capped(), created: size.changed, family: entry.kind.rawValue, path: entry.path.capped(4096),
            bytes: size.bytes, isDefault: entry.name == Registry.defaultModel)
        var ledger = FileLedger()
        do {
            if entry.kind == .gguf || entry.kind == .transformers {
                let model = try registry.languageModel(entry, nil)
                (info.family, info.kinds) = (model.family, [Chat.kind])
                info.isDefault = false
                return Known(ledger: model.ledger, info: info)
            }
            if let upscaler = try registry.upscaler(entry, Precision(usual: ())) {
                (info.family, info.kinds) = (upscaler.family, [Upscale.kind])
                info.isDefault = false
                return Known(ledger: upscaler.ledger, info: info)
            }
            let files = try ModelFiles(entry.path)
            ledger = files.ledger
            let architecture = try files.architecture
            info.family = architecture.name.capped()
            let model = try registry.textToImage(entry, Precision(usual: ()))
            ledger = model.ledger
            info.kinds = model.kinds.sorted { $0.rawValue < $1.rawValue }
            info.defaults = try ModelInfo.Defaults(model)
        } catch {
            info.unavailable = "\(error)".capped()
        }
        return Known(ledger: ledger, info: info)
    }
}

extension ModelInfo.Defaults {
    fileprivate init(_ model: TextToImage) throws {
        let plan = try model.usualPlan()
        self.init(
            width: plan.width, height: plan.height, steps: plan.steps, guidance: plan.guidance,
            sampler: plan.sampler.rawValue, schedule: (plan.schedule ?? .normal).rawValue, precision: model.precision)
    }
}

/// Bytes below a path and the time of the latest change.
struct FolderSize {
    private(set) var bytes = 0
    private(set) var changed = 0
    private var entries = 0

    /// Model folders are two levels deep and hold some dozens of files.
    private static let deepest = 4
    private static let mostEntries = 4096

    init(_ path: String) { add(path, depth: 0) }

    /// Below the path itself no link leads into another folder: a folder may link to itself.
    private mutating func add(_ path: String, depth: Int) {
        var status = stat()
        guard depth < Self.deepest, entries < Self.mostEntries, stat(path, &status) == 0 else { return }
        entries += 1
        changed = max(changed, status.st_mtim.tv_sec)
        guard status.st_mode & S_IFMT == S_IFDIR else {
            bytes += Int(status.st_size)
            return
        }
        var link = stat()
        guard depth == 0 || (lstat(path, &link) == 0 && link.st_mode & S_IFMT == S_IFDIR) else { return }
        for name in (try? fileNames(in: path)) ?? [] { add(path + "/" + name, depth: depth + 1) }
    }
}
