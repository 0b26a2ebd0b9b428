import API
import Foundation
import JSON
import Testing

@Suite struct SampleTests {
    /// `samples/` beside `Tests/`.
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("samples")

    @Test func `every sample is a job without a warning`() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
        #expect(files.count >= 2)
        for file in files {
            let submission = try read(String(decoding: try Data(contentsOf: file), as: UTF8.self))
            #expect(submission.warnings.isEmpty, "\(file.lastPathComponent)")
        }
    }
}

@Suite struct PlaceTests {
    @Test func `the socket is in the runtime directory, or in a private one when that is missing`() {
        let environment = ["XDG_RUNTIME_DIR": "/run/user/7"]
        #expect(
            SocketPath.user(environment: environment, uid: 7) { _ in true } == "/run/user/7/lazuli/lazuli.sock")
        #expect(SocketPath.user(environment: environment, uid: 7) { _ in false } == "/tmp/lazuli-7/lazuli.sock")
        #expect(SocketPath.user(environment: [:], uid: 7) { _ in true } == "/tmp/lazuli-7/lazuli.sock")
    }

    @Test func `flag, variable and base directory decide the state folder in this order`() {
        var environment = ["HOME": "/home/a"]
        #expect(StateFolder.path(environment: environment) == "/home/a/.local/state/lazuli")
        environment["XDG_STATE_HOME"] = "/s"
        #expect(StateFolder.path(environment: environment) == "/s/lazuli")
        environment["LAZULI_STATE"] = "/l"
        #expect(StateFolder.path(environment: environment) == "/l")
        #expect(StateFolder.path(flag: "/f", environment: environment) == "/f")
        #expect(StateFolder.path(environment: [:]) == nil)
    }
}
