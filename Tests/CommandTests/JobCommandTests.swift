import Foundation
import Testing

/// Commands about jobs that already exist, and the kind that needs no model.
@Suite struct JobCommandTests {
    @Test func `a job is paused, changed and resumed`() throws {
        try withFakeDaemon { daemon in
            func lazuli(_ arguments: String...) throws -> Ended {
                try run("lazuli", arguments, daemon.environment, in: daemon.folder)
            }
            let id = try lazuli("generate", "slow keep", "--steps", "8", "--priority", "-2", "--detach").output
                .trimmingCharacters(in: .newlines)
            #expect(try lazuli("pause", id).status == 0)
            let deadline = Date(timeIntervalSinceNow: 10)
            while try !lazuli("show", id).output.contains("state    paused"), Date() < deadline { usleep(50_000) }
            let shown = try lazuli("show", id).output
            #expect(shown.contains("kind     generate\n"))
            #expect(shown.contains("title    slow keep\n"))
            #expect(shown.contains("priority -2\n"))
            #expect(try lazuli("priority", id, "-5").output.contains("priority -5"))
            #expect(try lazuli("priority", id, "11").status == 65)
            #expect(try lazuli("priority", id, "high").status == 64)
            #expect(try lazuli("fetch", id).errors.contains("is paused"))
            #expect(try lazuli("resume", id).status == 0)
            #expect(try lazuli("watch", id).output == "succeeded\n")
            for command in ["pause", "resume"] {
                #expect(try lazuli(command, id).status == 65)
                #expect(try lazuli(command, "../jobs").status == 65)
            }
            #expect(try lazuli("jobs", "--limit", "0").status == 64)
        }
    }

    @Test func `prompts come from a file and from standard input`() throws {
        try withFakeDaemon { daemon in
            func lazuli(_ arguments: String..., input: String = "") throws -> Ended {
                try run("lazuli", arguments, daemon.environment, in: daemon.folder, input: Data(input.utf8))
            }
            func content(_ name: String) throws -> String {
                try String(contentsOfFile: "\(daemon.folder)/\(name)", encoding: .utf8)
            }
            let text = "\u{FEFF}quick apple\r\n\n  quick pear \nquick plum"
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(daemon.folder)/p.txt"))
            let drawn = try lazuli("generate", "--prompts", "p.txt", "--seed", "3", "-o", "a.png")
            #expect(drawn.output == "a-1.png\na-2.png\na-3.png\n", "\(drawn.errors)")
            #expect(try content("a-1.png") == "png of quick apple, seed 3")
            #expect(try content("a-2.png") == "png of quick pear, seed 3")
            #expect(try content("a-3.png") == "png of quick plum, seed 3")
            #expect(try lazuli("generate", "--prompts", "-", "-o", "b.png", input: "quick one\n").output == "b.png\n")
            #expect(try lazuli("generate", "-", "-o", "c.png", "--seed", "1", input: "quick two\n").status == 0)
            #expect(try content("c.png") == "png of quick two, seed 1")
            for arguments in [
                ["generate"], ["generate", "p", "--prompts", "p.txt"], ["generate", "-", "--image", "-"],
            ] {
                #expect(try run("lazuli", arguments, daemon.environment, in: daemon.folder).status == 64)
            }
            #expect(try lazuli("generate", "--prompts", "p.txt", "-o", "-").status == 64)
            #expect(try lazuli("generate", "--prompts", "-", input: " \n").errors.contains("no prompt"))
            #expect(try lazuli("generate", "--prompts", "none.txt").status == 65)
        }
    }

    @Test func `a model may be named by its file`() throws {
        try withFolder { folder in
            let environment = [
                "LAZULI_SOCKET": "\(folder)/l.sock", "LAZULI_STATE": "\(folder)/state",
                "LAZULI_MODELS": "\(folder)/models",
            ]
            defer { stop(environment) }
            try FileManager.default.createDirectory(atPath: "\(folder)/models", withIntermediateDirectories: true)
            for file in ["models/m.safetensors", "other.safetensors"] {
                try Data([8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8)).write(
                    to: URL(fileURLWithPath: "\(folder)/\(file)"))
            }
            // The file says nothing of a model, so the daemon names what it is; before that it had to find it.
            let found = try run("lazuli", ["generate", "p", "-m", "models/m.safetensors"], environment, in: folder)
            #expect(found.status != 0 && found.errors.contains("models/m.safetensors"), "\(found.errors)")
            #expect(!found.errors.contains("lies in none"), "\(found.errors)")
            let strange = try run("lazuli", ["generate", "p", "-m", "other.safetensors"], environment, in: folder)
            #expect(strange.status == 65 && strange.errors.contains("lies in none"), "\(strange.errors)")
            let absent = try run("lazuli", ["generate", "p", "-m", "./absent"], environment, in: folder)
            #expect(absent.status == 65 && absent.errors.contains("is no file"), "\(absent.errors)")
        }
    }

    @Test func `a listing goes on over its pages`() throws {
        try withFakeDaemon { daemon in
            let ids = try (0..<3).map { number in
                try run("lazuli", ["generate", "quick \(number)", "--detach"], daemon.environment).output
                    .trimmingCharacters(in: .newlines)
            }
            for id in ids { _ = try run("lazuli", ["watch", id], daemon.environment) }
            let listed = try run("lazuli", ["jobs", "--limit", "1000"], daemon.environment).output.split(
                separator: "\n")
            #expect(listed.map { String($0.prefix(13)) } == ids.reversed())
        }
    }

    @Test func `describe tells the facts of a picture without a model`() throws {
        try withFolder { folder in
            let environment = ["LAZULI_SOCKET": "\(folder)/l.sock", "LAZULI_STATE": "\(folder)/state"]
            defer { stop(environment) }
            // 2×1 pixels, red and blue.
            let picture = try #require(
                Data(
                    base64Encoded:
                        "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGP4zwAE/wEHAAH/4iOeWQAAAABJRU5ErkJggg=="
                ))
            try picture.write(to: URL(fileURLWithPath: "\(folder)/p.png"))
            let told = try run("lazuli", ["describe", "p.png"], environment, in: folder)
            #expect(told.status == 0, "\(told.errors)")
            #expect(told.output.hasPrefix("PNG, 2x1 pixels"))
            #expect(told.output.contains("red"))
            #expect(told.output.contains("blue"))
            let piped = try run("lazuli", ["describe", "-"], environment, in: folder, input: picture)
            #expect(piped.output == told.output)
            let broken = try run("lazuli", ["describe", "-"], environment, in: folder, input: picture.prefix(40))
            #expect(broken.status == 65, "\(broken.errors)")
            let nothing = try run("lazuli", ["describe", "-"], environment, in: folder)
            #expect(nothing.status == 65, "\(nothing.errors)")
        }
    }

    private func stop(_ environment: [String: String]) {
        guard let status = try? run("lazuli", ["status", "--json"], environment).bytes,
            let facts = try? JSONSerialization.jsonObject(with: status) as? [String: Any],
            let pid = facts["pid"] as? Int
        else { return }
        kill(pid_t(pid), SIGTERM)
        let deadline = Date(timeIntervalSinceNow: 5)
        while kill(pid_t(pid), 0) == 0, Date() < deadline { usleep(10_000) }
    }
}
