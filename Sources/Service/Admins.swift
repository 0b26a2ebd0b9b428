package import Glibc
import Synchronization

/// Who may see every job and use every priority: root, the daemon's own user, and the members of a group.
package final class Admins: Sendable {
    private let group: gid_t?
    private let own = getuid()
    private let known = Mutex<[uid_t: (isAdmin: Bool, since: SuspendingClock.Instant)]>([:])

    /// How long an answer of the user database is believed, and of how many users.
    private static let memory = Duration.seconds(60)
    private static let limit = 1024

    /// `group` is the name or the number of a group; nil when the system does not know it.
    package init?(group: String?) {
        guard let group else {
            self.group = nil
            return
        }
        if let entry = getgrnam(group) {
            self.group = entry.pointee.gr_gid
        } else if let number = gid_t(group) {
            self.group = number
        } else {
            return nil
        }
    }

    package func contains(_ uid: uid_t) -> Bool {
        if uid == 0 || uid == own { return true }
        guard let group else { return false }
        let now = SuspendingClock.now
        if let answer = known.withLock({ $0[uid] }), now - answer.since < Self.memory { return answer.isAdmin }
        let isAdmin = Self.isMember(uid, of: group)
        known.withLock { known in
            if known.count >= Self.limit { known = [:] }
            known[uid] = (isAdmin, now)
        }
        return isAdmin
    }

    private static func isMember(_ uid: uid_t, of group: gid_t) -> Bool {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return false }
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(count))
        while getgrouplist(entry.pw_name, entry.pw_gid, &groups, &count) < 0 {
            guard count > groups.count, count <= 65_536 else { return false }
            groups = [gid_t](repeating: 0, count: Int(count))
        }
        return groups.prefix(Int(count)).contains(group)
    }
}
