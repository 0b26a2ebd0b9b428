import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Which file it is and in which state; a path may come to mean another one.
package struct FileIdentity: Hashable, Sendable {
    package let device, inode: UInt64
    package let size: Int
    /// Nanoseconds since 1970.
    package let changed: Int

    /// nil where there is no file, or none that may be looked at.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        changed = Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec)
    }

    package var description: String { "\(device):\(inode):\(size):\(changed)" }
}

/// The files that a model was opened from, each as it was when it was first looked at.
package final class FileLedger: Sendable {
    private let files = Mutex<[String: FileIdentity]>([:])

    package init() {}

    /// Notes a file before it is read.
    @discardableResult
    func note(_ path: String) -> FileIdentity? {
        guard let identity = FileIdentity(path) else { return nil }
        return files.withLock { files in
            if let known = files[path] { return known }
            files[path] = identity
            return identity
        }
    }

    /// A file that is no longer what it was; nil while all are.
    package var firstChange: String? {
        let noted = files.withLock { $0 }
        return noted.filter { FileIdentity($0.key) != $0.value }.keys.min()
    }

    /// The same text for the same files in the same state.
    var description: String {
        files.withLock { $0.values.map(\.description).sorted().joined(separator: " ") }
    }
}
