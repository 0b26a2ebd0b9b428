// A file mapped read-only into memory, and small files read whole.

import Glibc

/// A regular file mapped read-only; the mapping lives as long as the object.
///
/// A file that another program shortens while it is mapped raises SIGBUS on access: files of models are replaced by
/// rename, never rewritten in place.
// Sendable: all fields are constants, the pages are mapped PROT_READ and are unmapped only in `deinit`, which runs when
// no reference is left. Readers keep the object alive for as long as they use `bytes`.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    /// The whole content; empty for an empty file. Valid while the object is referenced: a caller that keeps only the
    /// pointer must extend the object's lifetime.
    package let bytes: UnsafeRawBufferPointer

    /// Maps `path`; throws `unreadable` or `notAFile`.
    package init(path: String) throws(CheckpointError) {
        self.path = path
        let descriptor = try openRegularFile(path)
        defer { close(descriptor.number) }
        guard descriptor.size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, descriptor.size, PROT_READ, MAP_PRIVATE, descriptor.number, 0)
        guard let address, address != MAP_FAILED else { throw .unreadable(file: path, errno: errno) }
        bytes = UnsafeRawBufferPointer(start: address, count: descriptor.size)
    }

    /// Memory with the content of a file that was sent, not opened.
    package init(copying content: [UInt8], name: String) throws(CheckpointError) {
        path = name
        guard !content.isEmpty else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, content.count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else { throw .unreadable(file: name, errno: errno) }
        content.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: address, count: content.count).copyMemory(from: $0) }
        bytes = UnsafeRawBufferPointer(start: address, count: content.count)
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }

    /// The whole content of `path`, a text such as a vocabulary; throws `tooLarge` above `limit` bytes.
    package static func contents(_ path: String, limit: Int = 128 << 20) throws(CheckpointError) -> [UInt8] {
        try readSmallFile(path, limit: limit)
    }

    /// Tells the kernel what the pages of `range` are needed for: soon (read ahead) or no longer (drop from memory).
    package func advise(_ advice: Advice, _ range: Range<Int>) {
        guard let start = bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let range = range.clamped(to: 0..<bytes.count)
        let first = range.lowerBound / page * page
        guard first < range.upperBound else { return }
        let address = UnsafeMutableRawPointer(mutating: start + first)
        // A hint: failure changes nothing but speed.
        _ = madvise(address, range.upperBound - first, advice == .soon ? Int32(MADV_WILLNEED) : Int32(MADV_DONTNEED))
    }

    /// What a range of the file is needed for.
    package enum Advice: Sendable { case soon, noLonger }
}

/// The content of a small file; throws `tooLarge` above `limit` bytes.
func readSmallFile(_ path: String, limit: Int) throws(CheckpointError) -> [UInt8] {
    let descriptor = try openRegularFile(path)
    defer { close(descriptor.number) }
    guard descriptor.size <= limit else { throw .tooLarge(file: path, size: descriptor.size, limit: limit) }
    var content = [UInt8](repeating: 0, count: descriptor.size)
    var filled = 0
    while filled < content.count {
        let got = content.withUnsafeMutableBytes {
            read(descriptor.number, $0.baseAddress.map { $0 + filled }, $0.count - filled)
        }
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else { throw .unreadable(file: path, errno: errno) }
        guard got > 0 else { break }
        filled += got
    }
    content.removeLast(content.count - filled)
    return content
}

private func openRegularFile(_ path: String) throws(CheckpointError) -> (number: Int32, size: Int) {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(file: path, errno: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
        let code = errno
        close(descriptor)
        throw .unreadable(file: path, errno: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
        close(descriptor)
        throw .notAFile(file: path)
    }
    return (descriptor, Int(status.st_size))
}
