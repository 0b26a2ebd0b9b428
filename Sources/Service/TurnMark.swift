import Glibc
import Synchronization
import Vocabulary

/// The job that the worker is at, in a file of 13 bytes that outlives a killed daemon: only that job answers for the death.
///
/// It is not synchronised to the disk. After a power cut it may be wrong or empty, and no job is at fault then.
final class TurnMark: Sendable {
    private let descriptor: Int32
    private static let size = 13

    init(path: String) throws(OutputError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw OutputError(path, errno) }
    }

    deinit {
        close(descriptor)
    }

    func set(_ job: JobID?) {
        let bytes = Array((job?.rawValue ?? "").utf8.prefix(Self.size))
        let padded = bytes + [UInt8](repeating: 0, count: Self.size - bytes.count)
        _ = pwrite(descriptor, padded, padded.count, 0)
    }

    var job: JobID? {
        var bytes = [UInt8](repeating: 0, count: Self.size)
        guard pread(descriptor, &bytes, bytes.count, 0) == bytes.count, !bytes.contains(0) else { return nil }
        return JobID(String(decoding: bytes, as: UTF8.self))
    }
}
