import Dispatch
import FoundationEssentials
import Glibc

/// System calls on files as this daemon needs them. Paths are bytes for the kernel and never go through Foundation, whose
/// path methods end the process on some of them.
enum Files {
    /// The folder that holds the entry.
    static func parent(_ path: String) -> String {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// The path from the root, so that a later change of directory does not move it.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return "\(String(cString: here))/\(path)"
    }

    static func makeDirectory(_ path: String) throws(OutputError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw OutputError(path, errno) }
    }

    /// Makes a folder and those above it.
    static func makeDirectories(_ path: String) throws(OutputError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var entry = stat()
            guard stat(path, &entry) == 0 else { throw OutputError(path, errno) }
            guard entry.st_mode & S_IFMT == S_IFDIR else { throw OutputError(path, ENOTDIR) }
        case ENOENT where !path.isEmpty && parent(path) != path:
            try makeDirectories(parent(path))
            try makeDirectory(path)
        default: throw OutputError(path, errno)
        }
    }

    /// Writes a file through to the disk; what was at the path is replaced.
    static func write(_ bytes: Data, to path: String) throws(OutputError) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw OutputError(path, errno) }
        defer { close(file) }
        let failure = bytes.withUnsafeBytes { buffer -> Int32 in
            var written = 0
            while written < buffer.count {
                let count = Glibc.write(file, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                if count < 0, errno != EINTR { return errno }
                written += max(count, 0)
            }
            return fsync(file) == 0 ? 0 : errno
        }
        if failure != 0 { throw OutputError(path, failure) }
    }

    /// A rename is on the disk once its directory is.
    static func synchronise(_ directory: String) throws(OutputError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw OutputError(directory, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw OutputError(directory, errno) }
    }

    /// Bytes of a file, nil when there is none.
    static func size(_ path: String) -> Int? {
        var entry = stat()
        guard lstat(path, &entry) == 0, entry.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(entry.st_size)
    }

    /// A whole file of `bytes` bytes.
    static func read(_ path: String, bytes: Int) -> Data? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var data = Data(count: bytes)
        let filled = data.withUnsafeMutableBytes { buffer in
            var filled = 0
            while filled < bytes {
                let count = Glibc.read(file, buffer.baseAddress?.advanced(by: filled), bytes - filled)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { break }
                filled += count
            }
            return filled
        }
        return filled == bytes ? data : nil
    }

    /// Names in a folder, without `.` and `..`.
    static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a folder of files with everything in it; links are removed, not followed.
    static func removeTree(_ path: String, depth: Int = 4) {
        if unlink(path) == 0 || errno == ENOENT || depth == 0 { return }
        for name in entries(path) { removeTree("\(path)/\(name)", depth: depth - 1) }
        rmdir(path)
    }
}

/// Runs what waits for disks on a thread of its own, one after the other: actors and the cooperative pool stay free.
struct Disk: Sendable {
    private let queue = DispatchQueue(label: "lazuli.disk")

    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }

    func attempt<Value: Sendable>(
        _ body: @escaping @Sendable () throws(OutputError) -> Value
    ) async throws(OutputError) -> Value {
        let result: Result<Value, OutputError> = await run {
            do throws(OutputError) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// Removes a file; one that is not there is as good.
func unlinkFile(_ path: String) {
    unlink(path)
}
