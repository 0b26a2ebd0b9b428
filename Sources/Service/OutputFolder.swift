package import API
import Foundation

/// The files of finished jobs: `<root>/<job>/<number>.<extension>`.
///
/// A file is written under a hidden name, and all files of a job get their names together when it has succeeded.
package struct OutputFolder: Sendable {
    private let root: String

    /// Creates the folder for the owner alone if it is not there.
    package init(root: String) throws(OutputError) {
        self.root = root
        try Self.makeDirectory(root)
    }

    /// The place of a finished file.
    package func path(job: String, number: Int, format: ImageFormat) -> String {
        "\(folder(job))/\(number).\(format.fileExtension)"
    }

    /// Whether a finished file is still there as it was written.
    func holds(_ path: String, bytes: Int) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.intValue == bytes
    }

    /// Writes a file through to the disk, not yet visible under its name.
    func stage(_ bytes: Data, job: String, number: Int, format: ImageFormat) throws(OutputError) {
        // Again, in case somebody has cleaned up.
        try Self.makeDirectory(root)
        try Self.makeDirectory(folder(job))
        let path = stagedPath(job, number, format)
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw OutputError(path, errno) }
        defer { close(file) }
        var written = 0
        let failed = bytes.withUnsafeBytes { buffer in
            while written < buffer.count {
                let count = write(file, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                if count < 0, errno != EINTR { return true }
                written += max(count, 0)
            }
            return fsync(file) != 0
        }
        if failed { throw OutputError(path, errno) }
    }

    /// Gives the staged files of a job their names, durably.
    func publish(job: String, files: [(number: Int, format: ImageFormat)]) throws(OutputError) {
        for file in files {
            let path = path(job: job, number: file.number, format: file.format)
            guard rename(stagedPath(job, file.number, file.format), path) == 0 else { throw OutputError(path, errno) }
        }
        try Self.synchronise(folder(job))
        try Self.synchronise(root)
    }

    /// Removes everything a job has left.
    func discard(job: String) {
        try? FileManager.default.removeItem(atPath: folder(job))
    }

    private func folder(_ job: String) -> String { "\(root)/\(job)" }

    private func stagedPath(_ job: String, _ number: Int, _ format: ImageFormat) -> String {
        "\(folder(job))/.\(number).\(format.fileExtension).part"
    }

    private static func makeDirectory(_ path: String) throws(OutputError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw OutputError(path, errno) }
    }

    /// A rename is on the disk once its directory is.
    private static func synchronise(_ directory: String) throws(OutputError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw OutputError(directory, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw OutputError(directory, errno) }
    }
}

/// A file that could not be written.
package struct OutputError: Error, Sendable, Equatable {
    package var path: String
    package var errno: Int32

    init(_ path: String, _ errno: Int32) {
        self.path = path
        self.errno = errno
    }

    var body: ErrorBody {
        ErrorBody(
            .internalFailure, code: "output_not_written",
            message:
                "\(path): \(String(cString: strerror(errno))). Make room or correct the rights, then send the job again.",
            stage: .write)
    }
}
