import Checkpoints
import Crypto
import Pipelines

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// SHA-256 of the weights that make a model what it is: its one file, or its denoiser's.
struct Fingerprint {
    let hexadecimal: String

    /// Reads the whole file: about a second for each 1.5 GB.
    init(of entry: ModelCatalog.Entry) throws {
        var hash = SHA256()
        for path in try CheckpointStore(path: entry.kind == .diffusers ? entry.path + "/unet" : entry.path).files {
            let file = try MappedFile(path: path)
            file.bytes.withMemoryRebound(to: UInt8.self) { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
            file.advise(.noLonger, 0..<file.bytes.count)
        }
        hexadecimal = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
