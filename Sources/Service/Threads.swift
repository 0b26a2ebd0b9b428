import Dispatch
import Glibc

/// A counting semaphore for threads that may wait.
final class Signal: Sendable {
    private let semaphore: DispatchSemaphore

    init(_ count: Int = 0) {
        // libdispatch ends the process when a semaphore goes with less than it began with.
        semaphore = DispatchSemaphore(value: 0)
        for _ in 0..<count { semaphore.signal() }
    }

    func signal() { semaphore.signal() }
    func wait() { semaphore.wait() }
}

/// Starts a detached thread; false when the system has none left, which `Thread` does not tell.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let failure = pthread_create(
        &thread, &attributes,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    if failure != 0 { box.release() }
    return failure == 0
}

private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
