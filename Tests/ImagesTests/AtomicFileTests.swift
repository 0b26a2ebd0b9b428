import Foundation
import Images
import Synchronization
import Testing
import Vocabulary

@Suite struct AtomicFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "lazuli-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func content(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

    @Test func `files appear whole, replace others only when told, and leave nothing else behind`() throws {
        try withFolder { folder in
            let path = "\(folder)/out.png"
            try AtomicFile.write([1, 2, 3], to: path, mode: 0o600)
            #expect(try content(path) == [1, 2, 3])
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            try AtomicFile.write([], to: path)
            #expect(try content(path) == [])
            #expect(throws: FileError.exists(path: path)) { try AtomicFile.write([9], to: path, replacing: false) }
            try AtomicFile.write([7], to: "\(folder)/new", replacing: false)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["new", "out.png"])
        }
    }

    @Test func `a pipe takes the bytes, and a link leads to the file`() throws {
        try withFolder { folder in
            let pipe = "\(folder)/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            let reader = open(pipe, O_RDWR)
            defer { close(reader) }
            try AtomicFile.write([1, 2, 3], to: pipe)
            var bytes = [UInt8](repeating: 0, count: 4)
            #expect(read(reader, &bytes, 4) == 3)

            try AtomicFile.write([1], to: "\(folder)/file")
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "file")
            try AtomicFile.write([2], to: "\(folder)/link")
            #expect(try content("\(folder)/file") == [2])
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link") == "file")
        }
    }

    @Test func `a file that may be written in a folder that may not is written in place`() throws {
        try withFolder { folder in
            let path = "\(folder)/d/file"
            try FileManager.default.createDirectory(atPath: "\(folder)/d", withIntermediateDirectories: true)
            try Data([1, 2, 3, 4]).write(to: URL(fileURLWithPath: path))
            chmod(path, 0o666)
            chmod("\(folder)/d", 0o555)
            defer { chmod("\(folder)/d", 0o755) }
            chmod(folder, 0o755)
            let failure = Self.asNobody {
                try AtomicFile.write([9, 8], to: path)
            }
            #expect(failure == nil, "\(String(describing: failure))")
            #expect(try content(path) == [9, 8])
            // What is not there cannot be made, and what is kept is not overwritten.
            let new = "\(folder)/d/new"
            #expect(Self.asNobody { try AtomicFile.write([1], to: new) } as? FileError == .denied(path: new))
            let kept = Self.asNobody { try AtomicFile.write([1], to: path, replacing: false) }
            #expect(kept is FileError)
            #expect(try content(path) == [9, 8])
        }
    }

    /// Runs `body` without the rights of root, on a thread of its own; what it threw.
    private static func asNobody(_ body: @escaping @Sendable () throws -> Void) -> (any Error)? {
        let result = Mutex<(any Error)?>(nil)
        let done = DispatchSemaphore(value: 0)
        Thread {
            // Of this thread alone; the header that declares it is in no module.
            if geteuid() == 0, let address = dlsym(nil, "setfsuid") {
                _ = unsafeBitCast(address, to: (@convention(c) (UInt32) -> Int32).self)(65534)
            }
            do { try body() } catch { result.withLock { $0 = error } }
            done.signal()
        }.start()
        done.wait()
        return result.withLock { $0 }
    }

    @Test(.enabled(if: geteuid() == 0)) func `a file that something is mounted on is written in place`() throws {
        try withFolder { folder in
            for name in ["under", "over"] { try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
            let mount = Process()
            mount.executableURL = URL(fileURLWithPath: "/bin/mount")
            mount.arguments = ["--bind", "\(folder)/over", "\(folder)/under"]
            mount.standardError = FileHandle.nullDevice
            try mount.run()
            mount.waitUntilExit()
            // Some containers forbid mounting even to root.
            guard mount.terminationStatus == 0 else { return }
            defer { umount2("\(folder)/under", Int32(MNT_DETACH)) }
            try AtomicFile.write([5, 6], to: "\(folder)/under")
            #expect(try content("\(folder)/over") == [5, 6])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["over", "under"])
        }
    }

    @Test func `failures are typed`() throws {
        #expect(throws: FileError.noFolder(path: "/dev/null/x")) { try AtomicFile.write([1], to: "/dev/null/x") }
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/d/e", withIntermediateDirectories: true)
            #expect(throws: FileError.self) { try AtomicFile.write([1], to: "\(folder)/d") }
            let absent = "\(folder)/absent/x"
            #expect(throws: FileError.noFolder(path: absent)) { try AtomicFile.write([1], to: absent) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["d"])
        }
        #expect(FileError.full(path: "p").description.contains("no space left"))
    }
}
