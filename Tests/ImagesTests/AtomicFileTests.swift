import Foundation
import Images
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
