import Foundation
import Testing

/// What a person types, run as the real executable beside the tests.
@Suite struct CommandTests {
    private static let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Goldens")

    /// `LAZULI_GOLDENS=write` renews the texts.
    @Test(arguments: [
        "lazuli", "lazuli generate", "lazuli edit", "lazuli upscale", "lazuli describe", "lazuli chat", "lazuli jobs",
        "lazuli show",
        "lazuli watch", "lazuli pause", "lazuli resume", "lazuli priority", "lazuli cancel", "lazuli fetch",
        "lazuli status", "lazuli info",
        "lazuli verify", "lazuli bench", "lazuli models", "lazuli models list",
        "lazuli models show", "lazuli models unload", "lazulid",
    ])
    func `help is the text that was agreed`(command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let help = try run(words[0], words.dropFirst() + ["--help"]).output
        let golden = Self.goldens.appendingPathComponent(words.joined(separator: "-") + ".txt")
        if ProcessInfo.processInfo.environment["LAZULI_GOLDENS"] == "write" {
            try help.write(to: golden, atomically: true, encoding: .utf8)
        }
        #expect(try help == String(contentsOf: golden, encoding: .utf8))
    }

    @Test func `wrong usage ends with 64 and needs no daemon`() throws {
        for arguments in [
            ["generate"], ["generate", "p", "--size", "12"], ["nonsense"], ["generate", "p", "--steps", "x"],
        ] {
            #expect(
                try run("lazuli", arguments, ["LAZULI_SOCKET": "/proc/nowhere/l.sock"]).status == 64, "\(arguments)")
        }
        let named = try run("lazuli", ["generate", "p", "-o", "a.gif"], ["LAZULI_SOCKET": "/proc/nowhere/l.sock"])
        #expect(named.status == 64)
        #expect(named.errors.contains(".gif"))
        #expect(try run("lazuli", ["generate", "p", "--steps", "0"]).status == 65)
        #expect(try run("lazuli", ["status"], ["LAZULI_SOCKET": "/proc/nowhere/l.sock"]).status == 69)
        #expect(try run("lazuli", ["jobs"], ["LAZULI_SOCKET": "/proc/nowhere/l.sock"]).status == 69)
    }

    @Test func `info names a picture that it does not read`() throws {
        let file = "/tmp/lazuli-test-\(UUID().uuidString.prefix(8)).png"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data("GIF89a".utf8 + [UInt8](repeating: 0, count: 30)).write(to: URL(fileURLWithPath: file))
        let result = try run("lazuli", ["info", file])
        #expect(result.status == 65)
        #expect(result.errors.contains("GIF"))
    }

    @Test func `the commands carry a picture from the prompt to a file`() throws {
        try withFakeDaemon { daemon in try carry(daemon) }
    }

    private func carry(_ daemon: FakeDaemon) throws {
        let folder = daemon.folder
        let environment = daemon.environment
        func lazuli(_ arguments: String..., interruptAfter: Double? = nil) throws -> Ended {
            try run("lazuli", arguments, environment, in: folder, interruptAfter: interruptAfter)
        }

        var result = try lazuli("generate", "A red apple!", "--seed", "7", "-n", "2", "-o", "a.jpg")
        #expect(result.output == "a-1.jpg\na-2.jpg\n")
        #expect(result.errors.isEmpty)
        #expect(try String(contentsOfFile: "\(folder)/a-2.jpg", encoding: .utf8) == "jpeg of A red apple!, seed 8")

        for name in ["a-red-apple-7.png", "a-red-apple-7-2.png"] {
            #expect(try lazuli("generate", "A red apple!", "--seed", "7").output == "\(name)\n")
        }
        result = try lazuli("generate", "warn me", "--seed", "1", "--json")
        #expect(result.errors == "warning: This is a test.\n")
        #expect(result.output.contains("\"files\" : [\n    \"warn-me-1.png\""))
        #expect(try lazuli("generate", "warn me", "--seed", "1", "-q").errors.isEmpty)

        // A result that does not arrive, an error that nobody can read, a file that cannot be.
        func shell(_ command: String) throws -> Int32 {
            try run("/bin/sh", ["-c", command, "\(products)/lazuli"], environment, in: folder).status
        }
        #expect(try shell("$0 jobs >&-") == 74)
        #expect(try shell("$0 jobs > /dev/full") == 74)
        #expect(try shell("$0 show nosuch 2>&-") == 65)
        let before = try lazuli("jobs").output
        #expect(try lazuli("generate", "A red apple!", "-o", "absent/a.png").status == 65)
        #expect(try lazuli("jobs").output == before)

        result = try lazuli("generate", "fail")
        #expect(result.status == 70)
        #expect(result.errors == "lazuli: A value is not finite.\n")

        let id = try lazuli("generate", "slow", "--steps", "200", "--detach").output.trimmingCharacters(in: .newlines)
        #expect(id.count == 13)
        #expect(try lazuli("fetch", id).status == 75)
        #expect(try lazuli("cancel", id).status == 0)
        #expect(try lazuli("watch", id).status == 130)
        #expect(try lazuli("show", id).output.contains("state    cancelled\n"))
        #expect(try lazuli("cancel", id).status == 65)

        result = try lazuli("generate", "slow", "--steps", "200", interruptAfter: 0.7)
        #expect(result.status == 130)
        #expect(result.errors.contains("cancelled job"))

        let jobs = try lazuli("jobs").output.split(separator: "\n")
        #expect(jobs.count == 8)
        let first = String(jobs.last?.prefix(13) ?? "")
        #expect(try lazuli("fetch", first, "-o", "again.jpg").output == "again-1.jpg\nagain-2.jpg\n")
        #expect(try lazuli("models").output.contains("fake"))
        #expect(try lazuli("models", "show", "other").status == 65)
        #expect(try lazuli("status").output.contains("worker  pid"))
    }

    @Test func `without a daemon one is started in a session of its own`() throws {
        try withFolder { folder in
            let environment = ["LAZULI_SOCKET": "\(folder)/l.sock", "LAZULI_STATE": "\(folder)/state"]
            #expect(try run("lazuli", ["jobs"], environment).status == 0)
            let status = try run("lazuli", ["status", "--json"], environment).output
            let daemon = try #require(
                try JSONSerialization.jsonObject(with: Data(status.utf8)) as? [String: Any])
            let pid = try #require(daemon["pid"] as? Int)
            #expect(getsid(pid_t(pid)) == pid_t(pid))
            // On another socket there is no daemon, and none can start while this one holds the journal.
            let elsewhere = ["LAZULI_SOCKET": "\(folder)/other.sock", "LAZULI_STATE": "\(folder)/state"]
            let refused = try run("lazuli", ["jobs"], elsewhere)
            #expect(refused.status == 69)
            #expect(refused.errors.contains("\(folder)/state"), "\(refused.errors)")
            kill(pid_t(pid), SIGTERM)
        }
    }
}
