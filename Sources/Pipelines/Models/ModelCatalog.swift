// Models by name: what lies under the roots, without opening weights.

import Checkpoints

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The models that a machine has.
package struct ModelCatalog: Sendable {
    /// One model: its name is that of its folder or of its file without the ending.
    package struct Entry: Sendable, Equatable {
        package let name, path: String
        package let kind: Kind
    }

    /// What the name of a file or the content of a folder says; only opening it proves it.
    package enum Kind: String, Sendable {
        case diffusers, safetensors, gguf, transformers
    }

    /// Folders that are searched, first come first served.
    package let roots: [String]

    package init(roots: [String]) { self.roots = roots }

    /// The roots of this user: `LAZULI_MODELS` (colon separated), the user's and the system's data folders, and the
    /// `models` folder that lies beside or above the program, where the embedded default model is.
    package init(environment: [String: String], program: String) {
        var roots = (environment["LAZULI_MODELS"] ?? "").split(separator: ":").map(String.init)
        let home = environment["HOME"] ?? ""
        let data = environment["XDG_DATA_HOME"] ?? (home.isEmpty ? "" : home + "/.local/share")
        if !data.isEmpty { roots.append(data + "/lazuli/models") }
        var folder = program[...]
        while let slash = folder.lastIndex(of: "/") {
            folder = folder[..<slash]
            roots.append(folder + "/share/lazuli/models")
            if access(folder + "/models/lazuli-mini", F_OK) == 0 { roots.append(folder + "/models") }
        }
        var seen: Set<String> = []
        self.roots = roots.filter { seen.insert($0).inserted }
    }

    /// Every model, sorted by name; of equal names the first root's.
    package var entries: [Entry] {
        var found: [String: Entry] = [:]
        for root in roots {
            for entry in Self.entries(root) where found[entry.name] == nil { found[entry.name] = entry }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// The model called `name`. A path is no name: the daemon opens nothing that a client names outside its roots.
    package func model(_ name: String) throws -> Entry {
        let entries = entries
        guard let entry = entries.first(where: { $0.name == name }) else {
            let generators = entries.filter { $0.kind == .diffusers || $0.kind == .safetensors }
            throw PipelineError.unknownModel(name, available: generators.map(\.name), roots: roots)
        }
        return entry
    }

    /// A file that some model of another name needs, such as the language model of the default model.
    package func file(_ name: String) -> String? {
        for root in roots {
            if access("\(root)/\(name)", R_OK) == 0 { return "\(root)/\(name)" }
            for folder in Self.names(in: root) where access("\(root)/\(folder)/\(name)", R_OK) == 0 {
                return "\(root)/\(folder)/\(name)"
            }
        }
        return nil
    }

    /// A folder of that name under the roots.
    package func folder(_ name: String) -> String? {
        roots.map { "\($0)/\(name)" }.first { access($0, R_OK | X_OK) == 0 }
    }

    /// Folders below a root that are looked into, one below the other.
    private static let deepest = 3

    /// The models of `root`, and of folders in it that are none themselves: those are named with their folder, "sdxl/turbo".
    private static func entries(_ root: String, in folder: String = "", depth: Int = 0) -> [Entry] {
        names(in: folder.isEmpty ? root : "\(root)/\(folder)").flatMap { name -> [Entry] in
            let name = folder.isEmpty ? name : "\(folder)/\(name)"
            if let entry = entry(root, name) { return isListed(entry, depth) ? [entry] : [] }
            return depth < deepest ? entries(root, in: name, depth: depth + 1) : []
        }
    }

    /// Parts and language models in folders of their own belong to what names them.
    private static func isListed(_ entry: Entry, _ depth: Int) -> Bool {
        depth == 0 || entry.kind == .diffusers || entry.kind == .safetensors
    }

    private static func entry(_ root: String, _ name: String) -> Entry? {
        let path = "\(root)/\(name)"
        if access(path + "/model_index.json", F_OK) == 0 { return Entry(name: name, path: path, kind: .diffusers) }
        if access(path + "/config.json", F_OK) == 0 { return Entry(name: name, path: path, kind: .transformers) }
        for (ending, kind) in [(".safetensors", Kind.safetensors), (".gguf", .gguf)]
        where name.lowercased().hasSuffix(ending) {
            return Entry(name: String(name.dropLast(ending.count)), path: path, kind: kind)
        }
        // A folder around one GGUF and nothing else stands for it.
        let content = names(in: path)
        if content.count == 1, content[0].lowercased().hasSuffix(".gguf") {
            return Entry(name: name, path: "\(path)/\(content[0])", kind: .gguf)
        }
        return nil
    }

    /// What a folder shows; a root that does not exist shows nothing.
    private static func names(in folder: String) -> [String] {
        ((try? fileNames(in: folder)) ?? []).filter { !$0.hasPrefix(".") }
    }
}
