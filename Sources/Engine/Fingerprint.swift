import Checkpoints
import Digests
import Pipelines

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// SHA-256 of the weights that make a model what it is: its one file, or its denoiser's.
struct Fingerprint {
    let hexadecimal: String

    private static let piece = 16 << 20

    /// Reads the whole file: about a second for each 1.5 GB.
    init(of entry: ModelCatalog.Entry) throws {
        var digest = SHA256()
        for path in try CheckpointStore(path: entry.kind == .diffusers ? entry.path + "/unet" : entry.path).files {
            let file = try MappedFile(path: path)
            // Piece by piece, each given back at once: the mapped file must not stand in memory beside the packed
            // weights.
            for start in stride(from: 0, to: file.bytes.count, by: Self.piece) {
                let range = start..<min(start + Self.piece, file.bytes.count)
                withExtendedLifetime(file) {
                    digest.update(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
                }
                file.advise(.noLonger, range)
            }
        }
        hexadecimal = digest.hexadecimal()
    }
}
