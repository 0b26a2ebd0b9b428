import Glibc
import HummingbirdCore
import Synchronization

/// The clients that are served at the same time; more wait in the socket's queue until one leaves.
///
/// One user cannot take all places from the others, and the last ones are kept for requests that must always come through:
/// health and cancelling. Among a user's kept places, one on which nothing was asked gives way to the next.
package final class Connections: AvailableConnectionsDelegate, Sendable {
    enum Place: Sendable { case ordinary, kept }

    /// A connection that has its place.
    struct Seat: Sendable {
        fileprivate let number: Int
        let place: Place
    }

    private struct Holder {
        var uid: UInt32
        var place: Place
        var isAsking = false
        /// Closes the connection.
        var leave: @Sendable () -> Void
    }

    private struct State {
        var open = 0
        var isStopping = false
        var next = 0
        var holders: [Int: Holder] = [:]

        func count(_ place: Place, _ uid: UInt32? = nil) -> Int {
            holders.values.count { $0.place == place && (uid == nil || $0.uid == uid) }
        }
    }

    private let limit, keptPlaces: Int
    private let state = Mutex(State())

    /// Places for as many clients as the process may have descriptors, up to 4,096.
    package convenience init() {
        // Some descriptors are left for the journal, the worker, the pictures, and libdispatch, which ends a process in
        // which it cannot open a file of /proc.
        self.init(limit: max(16, min(4096, sysconf(Int32(_SC_OPEN_MAX)) - 128)))
    }

    package init(limit: Int) {
        self.limit = limit
        keptPlaces = max(4, min(32, limit / 8))
    }

    package func connectionOpened() {
        state.withLock { $0.open += 1 }
    }

    package func connectionClosed() {
        state.withLock { $0.open -= 1 }
    }

    package func isAcceptingNewConnections() -> Bool {
        state.withLock { !$0.isStopping && $0.open < limit }
    }

    /// The place of a new connection of a user, who may have three quarters of the ordinary ones; nil when there is none.
    func admit(_ uid: UInt32, leave: @escaping @Sendable () -> Void) -> Seat? {
        let (seat, displaced) = state.withLock { state -> (Seat?, Holder?) in
            func take(_ place: Place) -> Seat {
                state.next += 1
                state.holders[state.next] = Holder(uid: uid, place: place, leave: leave)
                return Seat(number: state.next, place: place)
            }
            let places = limit - keptPlaces
            if state.count(.ordinary, uid) < max(1, places * 3 / 4), state.count(.ordinary) < places {
                return (take(.ordinary), nil)
            }
            if state.count(.kept, uid) < max(1, keptPlaces / 2), state.count(.kept) < keptPlaces {
                return (take(.kept), nil)
            }
            let idle = state.holders.filter { $0.value.uid == uid && $0.value.place == .kept && !$0.value.isAsking }
            guard let oldest = idle.keys.min() else { return (nil, nil) }
            let holder = state.holders.removeValue(forKey: oldest)
            return (take(.kept), holder)
        }
        displaced?.leave()
        return seat
    }

    /// A request has begun on the connection, or was answered.
    func note(_ seat: Seat, isAsking: Bool) {
        state.withLock { $0.holders[seat.number]?.isAsking = isAsking }
    }

    func leave(_ seat: Seat) {
        state.withLock { $0.holders[seat.number] = nil }
    }

    /// Leaves who waits unserved, and lets those be served that were just let in: a connection whose server stops before it
    /// takes it over is a trap in NIO.
    package func stop() async {
        state.withLock { $0.isStopping = true }
        try? await Task.sleep(for: .milliseconds(50))
    }
}
