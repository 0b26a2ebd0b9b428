// Files that appear whole or not at all, also after a power failure.

internal import Glibc

/// A file that cannot be written.
package enum FileError: Error, Equatable, Sendable {
    case full(path: String)
    case denied(path: String)
    case exists(path: String)
    case noFolder(path: String)
    case failed(path: String, errno: Int32)

    init(_ code: Int32, _ path: String) {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: self = .full(path: path)
        case EACCES, EPERM, EROFS: self = .denied(path: path)
        case EEXIST: self = .exists(path: path)
        case ENOENT, ENOTDIR: self = .noFolder(path: path)
        default: self = .failed(path: path, errno: code)
        }
    }
}

extension FileError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full(let path): "\(path): no space left; free some or choose another folder"
        case .denied(let path): "\(path): may not be written; check the permissions of its folder"
        case .exists(let path): "\(path): exists already; choose another name"
        case .noFolder(let path): "\(path): its folder does not exist; create it first"
        case .failed(let path, let code): "\(path): cannot be written: \(String(cString: strerror(code)))"
        }
    }
}

/// Writing whole files: temporary file in the same folder, fsync, rename, fsync of the folder.
package enum AtomicFile {
    /// Writes `bytes` to `path`; an existing file is replaced, or kept and reported when `replacing` is false. Devices
    /// and pipes take the bytes and stay what they are, and so does a link. A file that can be written but not replaced,
    /// as in a folder that is read-only or as the target of a bind mount, is written in place.
    package static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o644, replacing: Bool = true
    ) throws(FileError) {
        var status = stat()
        if replacing, stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            return try pour(bytes, into: path)
        }
        let path = replacing ? target(of: path) : path
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        // A name of its own length: one made of the file's could be too long where the file's is not.
        let temporary = "\(folder)/.\(UInt64.random(in: 0...UInt64.max)).partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        let exists = replacing && status.st_mode & S_IFMT == S_IFREG
        guard descriptor >= 0 else {
            let code = errno
            guard exists, [EACCES, EPERM, EROFS].contains(code) else { throw FileError(code, path) }
            return try pour(bytes, into: path)
        }
        do throws(FileError) {
            try fill(descriptor, bytes, path)
            try publish(temporary, path, replacing)
        } catch {
            unlink(temporary)
            // EBUSY: something is mounted there. EPERM, EACCES: the folder is sticky and the file is another user's.
            switch error {
            case .failed(_, EBUSY) where exists: return try pour(bytes, into: path)
            case .denied where exists: return try pour(bytes, into: path)
            default: throw error
            }
        }
        try sync(folder: folder, path)
    }

    /// Where a link leads; the path itself when it is none or leads nowhere.
    private static func target(of path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func pour(_ bytes: [UInt8], into path: String) throws(FileError) {
        // Pipes and devices do not heed O_TRUNC.
        let descriptor = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(errno, path) }
        try fill(descriptor, bytes, path)
    }

    /// Writes, flushes to the disk and closes; the descriptor is closed in any case.
    private static func fill(_ descriptor: Int32, _ bytes: [UInt8], _ path: String) throws(FileError) {
        var written = 0
        var code: Int32 = 0
        while written < bytes.count && code == 0 {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count >= 0 { written += count } else if errno != EINTR { code = errno }
        }
        // What has no disk, such as a pipe, has nothing to flush.
        if code == 0 && fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS { code = errno }
        // Network file systems report a full disk only here.
        if close(descriptor) != 0 && code == 0 { code = errno }
        guard code == 0 else { throw FileError(code, path) }
    }

    private static func publish(_ temporary: String, _ path: String, _ replacing: Bool) throws(FileError) {
        if replacing {
            guard rename(temporary, path) == 0 else { throw FileError(errno, path) }
        } else {
            // link refuses an existing name, which rename would replace.
            guard link(temporary, path) == 0 else { throw FileError(errno, path) }
            unlink(temporary)
        }
    }

    private static func sync(folder: String, _ path: String) throws(FileError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(errno, path) }
        defer { close(descriptor) }
        // Some file systems cannot flush a folder and say so; the rename itself is atomic there too.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError(errno, path) }
    }
}
