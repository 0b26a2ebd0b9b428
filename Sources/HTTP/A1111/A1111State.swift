import API
import JSON
import Synchronization
import Vocabulary

/// The options of one user that change what is drawn.
struct A1111Options: Sendable, Equatable {
    /// nil: the daemon's default.
    var model: String?
    var clipLayers = 1
    /// Keys that were set and change nothing here; they are told again.
    var others: [String: JSON] = [:]

    /// A model as clients name it: a title, "name.safetensors [hash]", or a name.
    static func model(_ title: String?) -> String? {
        guard var name = title?.split(separator: "[").first.map(String.init) else { return nil }
        while name.last == " " { name.removeLast() }
        if name.lowercased().hasSuffix(".safetensors") { name.removeLast(".safetensors".count) }
        return name.isEmpty ? nil : name
    }
}

/// What the dialect remembers between requests: each user's options, and the jobs that were submitted in it.
final class A1111State: Sendable {
    /// A job under way.
    struct Drawing {
        var id: JobID
        var task: String?
        /// The latest picture of it.
        var preview: Preview?
    }

    private struct Users {
        var options: [UInt32: A1111Options] = [:]
        var jobs: [UInt32: [Drawing]] = [:]
    }

    private let users = Mutex(Users())
    /// Keys of options that one user may have set.
    private static let mostOptions = 2048

    func options(_ peer: Peer) -> A1111Options { users.withLock { $0.options[peer.uid] ?? A1111Options() } }

    func change(_ peer: Peer, _ body: (inout A1111Options) -> Void) {
        users.withLock { users in
            var options = users.options[peer.uid] ?? A1111Options()
            body(&options)
            if options.others.count > Self.mostOptions { options.others = [:] }
            users.options[peer.uid] = options
        }
    }

    func began(_ id: JobID, task: String?, _ peer: Peer) {
        users.withLock { $0.jobs[peer.uid, default: []].append(Drawing(id: id, task: task)) }
    }

    func ended(_ id: JobID, _ peer: Peer) {
        users.withLock { $0.jobs[peer.uid]?.removeAll { $0.id == id } }
    }

    func shows(_ preview: Preview, of id: JobID, _ peer: Peer) {
        users.withLock { users in
            guard let place = users.jobs[peer.uid]?.firstIndex(where: { $0.id == id }) else { return }
            users.jobs[peer.uid]?[place].preview = preview
        }
    }

    func jobs(_ peer: Peer) -> [Drawing] { users.withLock { $0.jobs[peer.uid] ?? [] } }
}

/// Names that the dialect's lists show, in its own words.
package struct DialectNames: Sendable {
    package var samplers, schedules: [String]

    package init(samplers: [String], schedules: [String]) {
        self.samplers = samplers
        self.schedules = schedules
    }
}
