import Foundation
import Testing

/// Paths as people and programs write them: none may kill a program, and none may take another file than was meant.
@Suite struct PathTests {
    /// Paths that can be no file, with the reason that makes them so.
    private static let impossible = ["", ".", "..", "/", "folder", "folder/", "new/", "absent/a.png", "a.png/b.png"]
    /// Paths that can be a file.
    private static let possible = [
        "x", "x.png", "a b.png", "line\nbreak.png", "-dash.png", "./here.png", "folder/../up.png", ".hidden", "dot.",
        "ö.png", String(repeating: "k", count: 255), String(repeating: "é", count: 127), "folder//double.png",
    ]

    @Test func `every path of an output becomes that file or an error`() throws {
        try withFakeDaemon { daemon in
            let folder = daemon.folder
            try FileManager.default.createDirectory(atPath: "\(folder)/folder", withIntermediateDirectories: false)
            try Data("old".utf8).write(to: URL(fileURLWithPath: "\(folder)/a.png"))
            func generate(_ path: String) throws -> Ended {
                try run(
                    "lazuli", ["generate", "quick", "--seed", "1", "--output=\(path)"], daemon.environment, in: folder)
            }
            for path in Self.impossible where !path.isEmpty {
                let ended = try generate(path)
                #expect(ended.status == 65, "\(path): \(ended.errors)")
                #expect(ended.output.isEmpty)
            }
            let empty = ["generate", "quick", "-o", ""]
            #expect(try run("lazuli", empty, daemon.environment, in: folder).status == 65)
            let long = try generate(String(repeating: "k", count: 256))
            #expect(long.status == 65)
            #expect(long.errors.contains("File name too long"))
            for path in Self.possible {
                let ended = try generate(path)
                #expect(ended.status == 0, "\(path): \(ended.errors)")
                #expect(ended.output == "\(path)\n")
                #expect(try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8) == "png of quick, seed 1")
            }
            #expect(try String(contentsOfFile: "\(folder)/a.png", encoding: .utf8) == "old")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".partial") }
            #expect(left.isEmpty)
        }
    }

    @Test func `every option and argument that takes a path survives every path`() throws {
        try withFolder { folder in
            let environment = ["LAZULI_SOCKET": "\(folder)/none.sock", "PATH": ""]
            let commands: [(words: [String], statuses: Set<Int32>)] = [
                (["info"], [0, 65]), (["verify"], [65]), (["describe"], [65, 69]), (["status", "--socket"], [64, 69]),
                (["models", "unload", "--socket"], [0, 64]), (["bench", "--only", "none", "--checkpoint"], [65]),
                (["bench", "--only", "none", "--decoder"], [65]),
            ]
            for (words, statuses) in commands {
                for path in Self.impossible + ["x", "absent", String(repeating: "k", count: 255), "a\nb"] {
                    let ended = try run("lazuli", words + [path], environment, in: folder)
                    #expect(statuses.contains(ended.status), "\(words) \(path): \(ended.status) \(ended.errors)")
                }
            }
            for option in ["--socket", "--state-dir"] {
                for path in ["", "/dev/null/x", String(repeating: "k", count: 256)] {
                    let other = option == "--socket" ? "--state-dir" : "--socket"
                    let words = [option, path, other, "\(folder)/d", "--idle-exit", "1"]
                    let ended = try run("lazulid", words, in: folder)
                    #expect([64, 69, 75].contains(ended.status), "\(words): \(ended.status) \(ended.errors)")
                }
            }
            // One character, a relative path, as the only argument.
            let short = try run("lazulid", ["--socket", "s", "--state-dir", "t", "--idle-exit", "1"], in: folder)
            #expect(short.status == 0, "\(short.errors)")
        }
    }

    @Test func `an argument that is not UTF-8 is refused, not repaired`() throws {
        for program in ["lazuli info", "lazuli generate p -o", "lazulid --socket"] {
            let ended = try run("/bin/sh", ["-c", "\(products)/\(program) \"$(printf 'a\\377b')\""])
            #expect(ended.status == 64)
            #expect(ended.errors.contains("not UTF-8"))
        }
    }

    @Test func `a picture on standard output is there alone`() throws {
        try withFakeDaemon { daemon in
            let folder = daemon.folder
            let picture = "png of quick, seed 1"
            func shell(_ command: String) throws -> Ended {
                try run("/bin/sh", ["-c", command, "\(products)/lazuli"], daemon.environment, in: folder)
            }
            for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
                #expect(try shell("$0 generate quick --seed 1 -o \(name) | cat").output == picture, "\(name)")
                #expect(
                    try shell("$0 generate quick --seed 1 -o \(name) > file; cat file").output == picture, "\(name)")
                let several = try shell("$0 generate quick -n 2 -o \(name)")
                #expect(several.status == 64)
                #expect(several.output.isEmpty)
                #expect(try shell("$0 generate quick --json -o \(name)").status == 64)
                #expect(try shell("$0 generate quick -o \(name) > /dev/full").status == 74)
            }
            for command in ["generate quick -o /dev/full", "generate quick -o - > /dev/full"] {
                let ended = try shell("$0 \(command)")
                #expect(ended.status == 74)
                #expect(ended.output.isEmpty)
            }
            let id = try shell("$0 generate quick --seed 1 --detach").output.trimmingCharacters(in: .newlines)
            _ = try shell("$0 watch \(id)")
            #expect(try shell("$0 fetch \(id) -o - | cat").output == picture)
            // A pipe that somebody reads gets the picture and its path is printed, as a file's is.
            #expect(
                try shell("mkfifo pipe; cat pipe > got & $0 generate quick --seed 1 -o pipe; wait").output == "pipe\n")
            #expect(try String(contentsOfFile: "\(folder)/got", encoding: .utf8) == picture)
        }
    }
}
