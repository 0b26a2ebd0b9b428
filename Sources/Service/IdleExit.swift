import Hummingbird
import ServiceLifecycle
import Synchronization

/// When the last request came.
package final class Activity: Sendable {
    private let last = Mutex(ContinuousClock.now)

    package init() {}

    func touch() {
        last.withLock { $0 = .now }
    }

    var latest: ContinuousClock.Instant { last.withLock { $0 } }
}

/// Notes every request.
struct ActivityMiddleware: RouterMiddleware {
    let activity: Activity

    func handle(
        _ request: Request, context: DaemonContext,
        next: @concurrent (Request, DaemonContext) async throws -> Response
    ) async throws -> Response {
        activity.touch()
        return try await next(request, context)
    }
}

/// Returns, which ends the daemon, when nothing was asked and nothing was done for `limit`.
struct IdleExit: ServiceLifecycle.Service {
    let activity: Activity
    let supervisor: Supervisor
    let limit: Duration

    func run() async {
        // A service that throws when it is told to stop would have the others cancelled instead of stopped in order.
        try? await cancelWhenGracefulShutdown {
            // Sleeps to the earliest moment at which the limit can be over, so an idle daemon wakes once.
            while ContinuousClock.now < activity.latest + limit {
                try await Task.sleep(until: activity.latest + limit)
                if await supervisor.isBusy { activity.touch() }
            }
        }
    }
}
