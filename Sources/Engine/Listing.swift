import API
import Checkpoints
import Pipelines

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension ModelInfo {
    /// What is known of a model without opening its weights.
    init(_ entry: ModelCatalog.Entry, isDefault: Bool) {
        let size = FolderSize(entry.path)
        self.init(
            id: entry.name, created: size.changed, family: entry.kind.rawValue, path: entry.path, bytes: size.bytes,
            isDefault: isDefault)
        do {
            switch entry.kind {
            case .diffusers, .safetensors:
                let kind = try ModelFiles(entry.path).className
                family = kind
                if !Registry.knows(kind) { unavailable = "\(kind) is not supported" }
            case .gguf, .transformers: kinds = []
            }
        } catch {
            unavailable = "\(error)"
        }
    }
}

/// Bytes below a path and the time of the latest change.
struct FolderSize {
    private(set) var bytes = 0
    private(set) var changed = 0

    init(_ path: String) { add(path, depth: 0) }

    /// Model folders are two levels deep; links are followed, so depth is bounded.
    private mutating func add(_ path: String, depth: Int) {
        var status = stat()
        guard depth < 4, stat(path, &status) == 0 else { return }
        changed = max(changed, status.st_mtim.tv_sec)
        guard status.st_mode & S_IFMT == S_IFDIR else {
            bytes += Int(status.st_size)
            return
        }
        for name in (try? fileNames(in: path)) ?? [] { add(path + "/" + name, depth: depth + 1) }
    }
}
