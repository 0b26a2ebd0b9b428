import Checkpoints
import Digests
import Synchronization
import Tensor

/// SHA-256 of the weights that make models what they are, remembered as long as the files stay what they are.
package final class Fingerprints: Sendable {
    private let known = Mutex<[[FileIdentity]: String]>([:])

    private static let piece = 16 << 20

    /// The fingerprint of some files, one after the other, in hexadecimal. Reads them whole when it does not know them:
    /// about a second for each 1.5 GB.
    func hexadecimal(of files: [(path: String, identity: FileIdentity)]) throws -> String {
        let identities = files.map(\.identity)
        if let text = known.withLock({ $0[identities] }) { return text }
        var hash = SHA256()
        for (path, _) in files {
            let file = try MappedFile(path: path)
            // Piece by piece, each given back at once: the mapped file must not stand in memory beside the packed
            // weights.
            for start in stride(from: 0, to: file.bytes.count, by: Self.piece) {
                guard KernelWork.goesOn() else { throw PipelineError.abandoned }
                let range = start..<min(start + Self.piece, file.bytes.count)
                withExtendedLifetime(file) { hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[range])) }
                file.advise(.noLonger, range)
            }
        }
        let text = hash.hexadecimal()
        known.withLock { $0[identities] = text }
        return text
    }
}
