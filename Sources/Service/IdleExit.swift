import ServiceLifecycle
import Synchronization

/// When the last request came.
final class Activity: Sendable {
    private let last = Mutex(ContinuousClock.now)

    func touch() {
        last.withLock { $0 = .now }
    }

    var latest: ContinuousClock.Instant { last.withLock { $0 } }
}

/// Returns, which ends the daemon, when nothing was asked and nothing was done for `limit`.
struct IdleExit: ServiceLifecycle.Service {
    let activity: Activity
    let dispatcher: Dispatcher
    let limit: Duration

    func run() async {
        // A service that throws when it is told to stop would have the others cancelled instead of stopped in order.
        try? await cancelWhenGracefulShutdown {
            // Sleeps to the earliest moment at which the limit can be over, so an idle daemon wakes once.
            while ContinuousClock.now < activity.latest + limit {
                try await Task.sleep(until: activity.latest + limit)
                if await dispatcher.isBusy { activity.touch() }
            }
        }
    }
}
