import Glibc
import SystemPackage

/// Paths as the user typed them.
enum Paths {
    /// Makes a folder of the user's own, with those above it.
    static func makeFolders(_ path: String) throws {
        var folder = FilePath(root: FilePath(path).root, [])
        for component in FilePath(path).components {
            folder.append(component)
            guard mkdir(folder.string, 0o700) == 0 || errno == EEXIST else {
                throw Failure(Exit.unavailable, "\(folder) cannot be made: \(String(cString: strerror(errno))).")
            }
        }
    }

    /// The bytes of a file or, named `-`, of standard input; `limit` bounds them.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path) }
            guard count > 0 else { return bytes }
            bytes += part.prefix(count)
            guard bytes.count <= limit else {
                throw Failure(Exit.badInput, "\(path) is larger than \(limit >> 20) MiB. Choose a smaller file.")
            }
        }
    }

    static func isFolder(_ path: String) -> Bool {
        var entry = stat()
        return stat(path, &entry) == 0 && entry.st_mode & S_IFMT == S_IFDIR
    }

    private static func unreadable(_ path: String) -> Failure {
        Failure(Exit.badInput, "\(path) cannot be read: \(String(cString: strerror(errno))).")
    }
}
