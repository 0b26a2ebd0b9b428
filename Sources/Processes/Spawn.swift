package import Glibc

/// A program that is about to be started. It inherits the environment and the descriptors that are named here, nothing
/// else: a descriptor that this process left open would keep whoever reads its other end waiting for the program's end.
package struct Program: Sendable {
    /// What becomes a descriptor of the program.
    package enum Source: Sendable {
        /// `/dev/null`, to read.
        case nothing
        /// A file to write, private to the user and empty at the start.
        case log(path: String)
        /// A descriptor of this process, or one of the program that came before in the list.
        case descriptor(Int32)
    }

    /// Whose signals the program gets from a terminal.
    package enum Signals: Sendable {
        /// A process group of its own: Ctrl-C is for its parent.
        case ownGroup
        /// A session of its own: it outlives the terminal.
        case ownSession
    }

    package var executable: String
    /// The first is the program's name for itself.
    package var arguments: [String]
    /// In the order in which they are set.
    package var descriptors: [(number: Int32, source: Source)]
    package var signals: Signals

    package init(
        _ executable: String, arguments: [String], descriptors: [(number: Int32, source: Source)], signals: Signals
    ) {
        self.executable = executable
        self.arguments = arguments
        self.descriptors = descriptors
        self.signals = signals
    }

    /// POSIX_SPAWN_SETSID of glibc, which Swift does not import.
    private static let newSession: Int16 = 0x80

    /// Starts the program with default signals and returns its process; throws the number of the system's error.
    package func start() throws(SpawnError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, source) in descriptors {
            switch source {
            case .nothing: posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDONLY, 0)
            case .log(let path):
                posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            case .descriptor(let own): posix_spawn_file_actions_adddup2(&actions, own, number)
            }
        }
        let kept = descriptors.map(\.number)
        for descriptor in Self.openDescriptors() where descriptor > 2 && !kept.contains(descriptor) {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var set = sigset_t()
        sigemptyset(&set)
        posix_spawnattr_setsigmask(&attributes, &set)
        sigfillset(&set)
        posix_spawnattr_setsigdefault(&attributes, &set)
        var flags = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        switch signals {
        case .ownGroup:
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= Int16(POSIX_SPAWN_SETPGROUP)
        case .ownSession: flags |= Self.newSession
        }
        posix_spawnattr_setflags(&attributes, flags)

        var words = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, executable, &actions, &attributes, &words, environ)
        guard failure == 0 else { throw SpawnError(errno: failure) }
        return pid
    }

    /// The file that this process runs, through no link; nil without `/proc`.
    package static var own: String? {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/exe", &path, Int(PATH_MAX))
        return count > 0 ? String(decoding: path.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    private static func openDescriptors() -> [Int32] {
        guard let folder = opendir("/proc/self/fd") else { return [] }
        defer { closedir(folder) }
        let own = dirfd(folder)
        var numbers: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = Int32(name), number != own { numbers.append(number) }
        }
        return numbers
    }
}

/// A program that could not be started.
package struct SpawnError: Error, Sendable, Equatable, CustomStringConvertible {
    package var errno: Int32

    package var description: String { String(cString: strerror(errno)) }
}

/// What this process was called with.
package enum Arguments {
    /// The number of the first argument that is no UTF-8, which Swift would repair into another name in silence.
    package static var firstUnreadable: Int? {
        let words = CommandLine.unsafeArgv
        return (1..<max(Int(CommandLine.argc), 1)).first { number in
            guard let word = words[number] else { return false }
            return String(validatingCString: word) == nil
        }
    }
}
