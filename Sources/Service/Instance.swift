import Foundation

/// The claim of one daemon on a socket path, held by a lock until the process ends.
package struct Instance: Sendable {
    package let socket: String
    /// Never closed: the kernel drops the lock with the process, however it ends.
    private let lock: Int32

    /// Makes the folder of the socket, private to the user, and claims the path.
    ///
    /// A folder that exists is only accepted when it belongs to this user and nobody else may write to it.
    package init(socket: String) throws(InstanceError) {
        self.socket = socket
        guard socket.utf8.count < 108 else { throw .pathTooLong(socket) }
        let folder = (socket as NSString).deletingLastPathComponent
        try Self.claimFolder(folder)
        lock = open("\(socket).lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw .system(path: "\(socket).lock", errno: errno) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw .taken(socket) }
        var status = stat()
        if lstat(socket, &status) == 0, status.st_mode & S_IFMT != S_IFSOCK { throw .notASocket(socket) }
    }

    private static func claimFolder(_ folder: String) throws(InstanceError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .system(path: folder, errno: errno) }
        var status = stat()
        guard lstat(folder, &status) == 0 else { throw .system(path: folder, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o022 == 0 else {
            throw .unsafeFolder(folder)
        }
    }
}

/// Why a daemon cannot have a socket.
package enum InstanceError: Error, Sendable, Equatable, CustomStringConvertible {
    case taken(String)
    case unsafeFolder(String)
    case notASocket(String)
    case pathTooLong(String)
    case system(path: String, errno: Int32)

    package var description: String {
        switch self {
        case .taken(let path):
            "Another lazulid already serves \(path). Use it, or give this one another --socket."
        case .unsafeFolder(let path):
            "\(path) is not a folder that only this user may write to. Remove it, or use another --socket."
        case .notASocket(let path):
            "\(path) exists and is not a socket, so it stays. Move it away, or use another --socket."
        case .pathTooLong(let path):
            "The socket path \(path) has more than 107 bytes, the limit of the system. Use a shorter --socket."
        case .system(let path, let number):
            "\(path): \(String(cString: strerror(number))). Correct it, or use another --socket."
        }
    }
}
