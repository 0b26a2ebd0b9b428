import Glibc
import ServiceLifecycle
import Synchronization

/// Returns, which ends the daemon, when its socket is not there any more: nobody can reach it, and as long as it lives its
/// locks keep another one from taking over. Cleaners of `/tmp` remove sockets that nobody has touched for days.
final class SocketWatch: ServiceLifecycle.Service {
    private let path: String
    /// Number of the socket's entry, and whether it was missed.
    private let state = Mutex<(inode: ino_t?, isLost: Bool)>((nil, false))

    private static let interval = Duration.seconds(10)

    init(path: String) {
        self.path = path
    }

    /// Notes the socket as it is now.
    func begin() {
        state.withLock { $0.inode = inode }
    }

    /// Whether the daemon ends because of this.
    var foundLoss: Bool { state.withLock { $0.isLost } }

    func run() async {
        // A service that throws when it is told to stop would have the others cancelled instead of stopped in order.
        try? await cancelWhenGracefulShutdown {
            while !self.check() { try await Task.sleep(for: Self.interval) }
        }
    }

    private func check() -> Bool {
        state.withLock { state in
            state.isLost = state.inode != nil && state.inode != inode
            return state.isLost
        }
    }

    private var inode: ino_t? {
        var entry = stat()
        return lstat(path, &entry) == 0 ? entry.st_ino : nil
    }
}
