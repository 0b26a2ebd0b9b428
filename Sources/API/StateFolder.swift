/// Where a user's daemon keeps its journal and its outputs.
package enum StateFolder {
    /// The folder by flag, `LAZULI_STATE`, the XDG base directories, in this order; nil when there is not even a home.
    package static func path(flag: String? = nil, environment: [String: String]) -> String? {
        if let folder = flag ?? environment["LAZULI_STATE"], !folder.isEmpty { return folder }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return "\(state)/lazuli" }
        if let home = environment["HOME"], !home.isEmpty { return "\(home)/.local/state/lazuli" }
        return nil
    }
}
