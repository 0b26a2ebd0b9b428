import Glibc
import Jobs
import Vocabulary

/// The files that clients sent: `<root>/<uid>/<sha256>`, and on their way `<root>/upload-…`.
struct BlobFolder: Sendable {
    private let root: String

    init(root: String) throws(OutputError) {
        self.root = root
        try Files.makeDirectory(root)
    }

    /// A path that no file has.
    func uploadPath() throws(OutputError) -> String {
        try Files.makeDirectory(root)
        return "\(root)/upload-\(String(UInt64.random(in: .min ... .max), radix: 16))"
    }

    func isUpload(_ path: String) -> Bool {
        path.hasPrefix("\(root)/upload-") && !path.dropFirst(root.utf8.count + 1).contains("/")
    }

    func path(_ blob: Blob, uid: UInt32) -> String { "\(root)/\(uid)/\(blob.sha256)" }

    /// Gives an upload its name, durably.
    func keep(_ upload: String, as blob: Blob, uid: UInt32) throws(OutputError) {
        try Files.makeDirectory("\(root)/\(uid)")
        let descriptor = open(upload, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw OutputError(upload, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0, rename(upload, path(blob, uid: uid)) == 0 else {
            throw OutputError(upload, errno)
        }
        try Files.synchronise("\(root)/\(uid)")
        try Files.synchronise(root)
    }

    func remove(_ blob: OwnedBlob) {
        unlink(path(Blob(sha256: blob.sha256), uid: blob.uid))
    }

    /// Removes what the journal does not know, and uploads that a dead daemon did not finish.
    func sweep(keeping known: [OwnedBlob]) {
        let kept = Set(known.map { "\($0.uid)/\($0.sha256)" })
        for folder in Files.entries(root) {
            for name in Files.entries("\(root)/\(folder)") where !kept.contains("\(folder)/\(name)") {
                Files.removeTree("\(root)/\(folder)/\(name)")
            }
            if folder.hasPrefix("upload-") { unlink("\(root)/\(folder)") } else { rmdir("\(root)/\(folder)") }
        }
    }
}
