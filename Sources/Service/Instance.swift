import Glibc

/// The claim of one daemon on a socket path and on a state folder, held by locks until the process ends.
package struct Instance: Sendable {
    package let socket: String

    /// Makes the folder of the socket, private to the user, and claims the path.
    ///
    /// A folder that exists is only accepted when it belongs to this user and nobody else may write to it.
    package init(socket: String, stateFolder: String) throws(InstanceError) {
        self.socket = socket
        guard socket.utf8.count < 108 else { throw .pathTooLong(socket) }
        guard !socket.isEmpty, !socket.hasSuffix("/") else { throw .notASocket(socket) }
        let folder = Files.parent(socket)
        try Self.claimFolder(folder)
        guard try Self.lock("\(socket).lock") else { throw .taken(socket) }
        var entry = stat()
        if lstat(socket, &entry) == 0, entry.st_mode & S_IFMT != S_IFSOCK { throw .notASocket(socket) }
        do throws(OutputError) {
            try Files.makeDirectories(stateFolder)
        } catch {
            throw .state(path: stateFolder, reason: error.reason)
        }
        do throws(InstanceError) {
            // On another socket, but on this journal, a second daemon would take the running job for an abandoned one.
            guard try Self.lock("\(stateFolder)/lock") else { throw InstanceError.stateTaken(stateFolder) }
        } catch {
            guard case .system(let path, let number) = error else { throw error }
            throw .state(path: path, reason: String(cString: strerror(number)))
        }
    }

    /// Whether the lock was free. It is never let go: the kernel does that with the process, however it ends.
    private static func lock(_ path: String) throws(InstanceError) -> Bool {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(path: path, errno: errno) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        close(descriptor)
        return false
    }

    private static func claimFolder(_ folder: String) throws(InstanceError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .system(path: folder, errno: errno) }
        // Of the entry itself: a link is not followed.
        var entry = stat()
        guard lstat(folder, &entry) == 0, entry.st_mode & S_IFMT == S_IFDIR, entry.st_uid == getuid(),
            entry.st_mode & 0o022 == 0
        else { throw .unsafeFolder(folder) }
    }
}

/// Why a daemon cannot start.
package enum InstanceError: Error, Sendable, Equatable, CustomStringConvertible {
    case taken(String)
    case unsafeFolder(String)
    case notASocket(String)
    case pathTooLong(String)
    case socketLost(String)
    case stateTaken(String)
    case state(path: String, reason: String)
    case newerJournal(path: String, found: Int, known: Int)
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
        case .socketLost(let path):
            "\(path) was removed or replaced, so nobody could reach this lazulid. Start it again; its queue is kept."
        case .stateTaken(let folder):
            "Another lazulid already keeps its journal in \(folder). Use it, or give this one another --state-dir."
        case .state(let path, let reason):
            "\(path) cannot be used: \(reason). Correct it or move it away, or use another --state-dir."
        case .newerJournal(let path, let found, let known):
            "\(path) is of version \(found), and this lazulid knows \(known). It was left as it is: start the newer lazulid "
                + "that wrote it, or give this one another --state-dir."
        case .system(let path, let number):
            "\(path): \(String(cString: strerror(number))). Correct it, or use another --socket."
        }
    }
}
