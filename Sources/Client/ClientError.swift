package import API

/// Why a request brought no answer that can be used.
package enum ClientError: Error, Sendable, Equatable {
    /// Nobody listens on the socket.
    case unreachable(path: String, errno: Int32)
    /// Somebody listens who may not.
    case untrusted(path: String, fact: String)
    /// The daemon answered with an error.
    case refused(ErrorBody)
    /// The connection broke, or what came is not HTTP.
    case broken(String)
}

extension ClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let path, _): "No daemon answers on \(path). Start lazulid, or name its socket with --socket."
        case .untrusted(let path, let fact):
            "\(path) is not used: \(fact). Remove it, or name the socket of a daemon that you trust with --socket."
        case .refused(let error): error.message
        case .broken(let fact): "The daemon's answer is not usable: \(fact). Try again; its log may say more."
        }
    }
}
