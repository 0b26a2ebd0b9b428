/// Where the daemon of a user, or of the system, listens.
package enum SocketPath {
    /// The system's daemon.
    package static let system = "/run/lazuli/lazuli.sock"

    /// The socket of a user: in the runtime directory of the session, else in a private directory under `/tmp`.
    ///
    /// `exists` tells whether a directory is there: after `su` the variable may name one that is not.
    package static func user(
        environment: [String: String], uid: UInt32, exists: (String) -> Bool
    ) -> String {
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), exists(runtime) {
            return "\(runtime)/lazuli/lazuli.sock"
        }
        return "/tmp/lazuli-\(uid)/lazuli.sock"
    }
}
