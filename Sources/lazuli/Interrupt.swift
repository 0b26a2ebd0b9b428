import Foundation

/// Ctrl-C, handled on a thread of its own where every call is allowed.
enum Interrupt {
    /// Runs `body` at the first SIGINT or SIGTERM, then exits with status 130. Call it before other threads exist.
    static func handle(_ body: @escaping @Sendable () -> Void) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        Thread {
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGINT)
            sigaddset(&signals, SIGTERM)
            var caught: Int32 = 0
            sigwait(&signals, &caught)
            body()
            exit(Exit.cancelled)
        }.start()
    }
}
