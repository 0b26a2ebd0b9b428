import API
import Client
import Glibc

/// Models as people name them.
enum ModelName {
    /// The name of a model that was named by its file or folder, as the daemon lists it; other names stay as they are.
    static func resolved(_ name: String, _ client: DaemonClient) throws -> String {
        let isFile = [".safetensors", ".gguf"].contains { name.lowercased().hasSuffix($0) }
        guard isFile || ["/", "./", "../"].contains(where: name.hasPrefix) else { return name }
        guard let path = real(name) else {
            throw Failure(
                Exit.badInput, "\(name) is no file: \(String(cString: strerror(errno))). Name a model or its file.")
        }
        if let model = try client.models().first(where: { $0.path.flatMap(real) == path }) { return model.id }
        throw Failure(
            Exit.badInput,
            "\(name) lies in none of the daemon's folders of models. Put it, or a link to it, into one of them, or start "
                + "the daemon with its folder in LAZULI_MODELS.")
    }

    private static func real(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
