import Foundation

/// The claim of one daemon on a socket path and on a state folder, held by locks until the process ends.
package struct Instance: Sendable {
    package let socket: String

    /// Makes the folder of the socket, private to the user, and claims the path.
    ///
    /// A folder that exists is only accepted when it belongs to this user and nobody else may write to it.
    package init(socket: String, stateFolder: String) throws(InstanceError) {
        self.socket = socket
        guard socket.utf8.count < 108 else { throw .pathTooLong(socket) }
        let folder = (socket as NSString).deletingLastPathComponent
        try Self.claimFolder(folder)
        guard try Self.lock("\(socket).lock") else { throw .taken(socket) }
        let kind = (try? FileManager.default.attributesOfItem(atPath: socket))?[.type] as? FileAttributeType
        if let kind, kind != .typeSocket { throw .notASocket(socket) }
        do {
            try FileManager.default.createDirectory(atPath: stateFolder, withIntermediateDirectories: true)
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            let words = cause.map { String(cString: strerror(Int32($0.code))) } ?? error.localizedDescription
            throw .state(path: stateFolder, reason: words)
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
        let found = (try? FileManager.default.attributesOfItem(atPath: folder)) ?? [:]
        guard found[.type] as? FileAttributeType == .typeDirectory,
            (found[.ownerAccountID] as? NSNumber)?.uint32Value == getuid(),
            let mode = found[.posixPermissions] as? Int, mode & 0o022 == 0
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
        case .system(let path, let number):
            "\(path): \(String(cString: strerror(number))). Correct it, or use another --socket."
        }
    }
}
