import Foundation
import HummingbirdCore
import Synchronization

/// The clients that are served at the same time; more wait in the socket's queue until one leaves.
final class Connections: AvailableConnectionsDelegate, Sendable {
    /// Some descriptors are kept for the journal, the worker, the pictures, and libdispatch, which ends a process in which
    /// it cannot open a file of /proc.
    private static let limit = max(16, min(4096, sysconf(Int32(_SC_OPEN_MAX))) - 128)

    private let state = Mutex((open: 0, isStopping: false))

    func connectionOpened() {
        state.withLock { $0.open += 1 }
    }

    func connectionClosed() {
        state.withLock { $0.open -= 1 }
    }

    func isAcceptingNewConnections() -> Bool {
        state.withLock { !$0.isStopping && $0.open < Self.limit }
    }

    /// Leaves who waits unserved, and lets those be served that were just let in: a connection whose server stops before it
    /// takes it over is a trap in NIO.
    func stop() async {
        state.withLock { $0.isStopping = true }
        try? await Task.sleep(for: .milliseconds(50))
    }
}
