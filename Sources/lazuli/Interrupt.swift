import Foundation
import Synchronization

/// Ctrl-C and the end of the terminal, handled on a thread of its own where every call is allowed.
enum Interrupt {
    /// Runs `body` at the first SIGINT, SIGTERM or SIGHUP, then exits with status 130. What the caller ignores, as
    /// `nohup` does, stays ignored. Call it before other threads exist; a later call puts its body in the place of the one
    /// before.
    static func handle(_ body: @escaping @Sendable () -> Void) {
        let isFirst = current.withLock { current in
            defer { current = body }
            return current == nil
        }
        guard isFirst else { return }
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(signal) { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let waited = signals
        Thread {
            var signals = waited
            var caught: Int32 = 0
            while sigwait(&signals, &caught) != 0 {}
            current.withLock { $0 }?()
            exit(Exit.cancelled)
        }.start()
    }

    private static let current = Mutex<(@Sendable () -> Void)?>(nil)

    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        // SIG_IGN is the address 1.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }
}
