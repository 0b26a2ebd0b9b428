import Glibc

/// Where a daemon listens, and who may be there. Prompts go to whoever listens, and what comes back becomes files of the
/// user: a socket that somebody else planted is as good as a stranger at the door.
package struct DaemonSocket: Sendable, Equatable {
    package enum Place: Sendable {
        /// The user's own default place: a folder that only this user may write to, and this user's daemon.
        case own
        /// The system's: a daemon of root or of the system's account.
        case system
        /// A place that the user named: the daemon of this user, of root or of the system's account.
        case named
    }

    /// The account of the system's daemon.
    private static let account = "lazuli"

    package var path: String
    package var place: Place

    package init(_ path: String, _ place: Place = .named) {
        self.path = path
        self.place = place
    }

    /// Refuses a folder into which another user could have put the socket. One that is not there is no danger.
    func checkFolder() throws(ClientError) {
        guard place == .own else { return }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var entry = stat()
        guard lstat(folder, &entry) == 0 else {
            if errno == ENOENT { return }
            throw .unreachable(path: path, errno: errno)
        }
        guard entry.st_mode & S_IFMT == S_IFDIR else {
            throw .untrusted(path: path, fact: "\(folder) is no folder")
        }
        guard entry.st_uid == geteuid() else {
            throw .untrusted(path: path, fact: "\(folder) belongs to user \(entry.st_uid)")
        }
        guard entry.st_mode & 0o022 == 0 else {
            throw .untrusted(path: path, fact: "others may write to \(folder)")
        }
    }

    /// Refuses a peer that is not the daemon one would expect here; the kernel tells who it is.
    func checkPeer(_ descriptor: Int32) throws(ClientError) {
        // `struct ucred`, which Swift does not import without _GNU_SOURCE: process, user, group.
        var peer: (pid: pid_t, uid: uid_t, gid: gid_t) = (0, .max, .max)
        var size = socklen_t(MemoryLayout.size(ofValue: peer))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 else {
            throw .untrusted(
                path: path, fact: "the system does not tell who listens: \(String(cString: strerror(errno)))")
        }
        guard mayServe(peer.uid) else {
            throw .untrusted(path: path, fact: "user \(peer.uid) listens there")
        }
    }

    private func mayServe(_ uid: uid_t) -> Bool {
        switch place {
        case .own: uid == geteuid()
        case .system: uid == 0 || uid == Self.systemAccount
        // Root may look after the daemon of any user.
        case .named: uid == geteuid() || uid == 0 || uid == Self.systemAccount || geteuid() == 0
        }
    }

    private static let systemAccount: uid_t? = {
        var record = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwnam_r(account, &record, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return record.pw_uid
    }()
}
