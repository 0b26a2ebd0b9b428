import API
import Foundation
import Testing

private func decode(_ json: String) throws -> JobSubmission {
    try JSONDecoder().decode(JobSubmission.self, from: Data(json.utf8)).validated()
}

@Suite struct JobSubmissionTests {
    @Test func `a prompt alone is a job`() throws {
        let submission = try decode(#"{"prompt": "a red apple"}"#)
        #expect(submission == JobSubmission(GenerateRequest(prompt: "a red apple")))
        #expect(submission.request.count == 1)
        #expect(submission.request.seed == nil)
        #expect(submission.request.format == .png)
    }

    @Test func `of many unknown parameters the first are named and the rest counted`() throws {
        let many = (100..<160).map { #""x\#($0)": 1"# }.joined(separator: ", ")
        let warnings = try decode(#"{"prompt": "p", \#(many)}"#).warnings
        #expect(warnings.count == 21)
        #expect(warnings.last == "40 more were ignored.")
    }

    @Test func `every parameter arrives`() throws {
        let json = """
            {"kind": "generate", "prompt": "p", "model": "m", "negative_prompt": "n", "width": 64, "height": 96,
             "steps": 7, "guidance": 2.5, "sampler": "euler", "schedule": "karras", "shift": 3, "seed": 18446744073709551615,
             "count": 1, "precision": "f32", "rng": "philox", "format": "jpeg", "quality": 80, "metadata": "none",
             "on_truncate": "error", "priority": -3, "strict": true}
            """
        let expected = GenerateRequest(
            prompt: "p", model: "m", negativePrompt: "n", width: 64, height: 96, steps: 7, guidance: 2.5,
            sampler: "euler", schedule: "karras", shift: 3, seed: .max, count: 1, precision: .f32, rng: .philox,
            format: .jpeg, quality: 80, metadata: .none, onTruncate: .error)
        #expect(try decode(json) == JobSubmission(expected, priority: -3, strict: true))
    }

    @Test func `what is written is read again`() throws {
        let request = GenerateRequest(prompt: "ein Apfel 🍎", width: 512, guidance: 7.5, seed: 1 << 63, count: 4)
        let submission = JobSubmission(request, priority: 2, strict: true)
        let again = try JSONDecoder().decode(JobSubmission.self, from: JSONEncoder().encode(submission))
        #expect(again == submission)
    }

    @Test(arguments: [#"{"prompt": "p", "seed": -1}"#, #"{"prompt": "p", "seed": null}"#])
    func `-1 and null ask for a random seed`(json: String) throws {
        #expect(try decode(json).request.seed == nil)
    }

    @Test func `an unknown parameter is named and refused only when strict`() throws {
        let submission = try decode(#"{"prompt": "p", "stepz": 3, "cfg": 1}"#)
        #expect(submission.unknown == ["cfg", "stepz"])
        #expect(submission.warnings.count == 2)
        #expect(throws: RequestError.unknownParameters(["cfg", "stepz"])) {
            try decode(#"{"prompt": "p", "stepz": 3, "cfg": 1, "strict": true}"#)
        }
    }

    @Test(arguments: [
        (#"{}"#, RequestError.missing(param: "prompt")),
        (#"[]"#, .notJSON),
        (#"{"prompt": 3}"#, .wrongType(param: "prompt", expected: "a string")),
        (#"{"prompt": "p", "steps": "many"}"#, .wrongType(param: "steps", expected: "an integer")),
        (#"{"prompt": "p", "steps": 1.5}"#, .wrongType(param: "steps", expected: "an integer")),
        (#"{"prompt": "p", "strict": 1}"#, .wrongType(param: "strict", expected: "true or false")),
        (#"{"prompt": "p", "steps": 0}"#, .outOfRange(param: "steps", value: "0", allowed: "1 to 1000")),
        (#"{"prompt": "p", "width": 4097}"#, .outOfRange(param: "width", value: "4097", allowed: "1 to 4096")),
        (#"{"prompt": "p", "count": 17}"#, .outOfRange(param: "count", value: "17", allowed: "1 to 16")),
        (
            #"{"prompt": "p", "count": -9223372036854775808}"#,
            .outOfRange(param: "count", value: "-9223372036854775808", allowed: "1 to 16")
        ),
        (#"{"prompt": "p", "quality": 0}"#, .outOfRange(param: "quality", value: "0", allowed: "1 to 100")),
        (#"{"prompt": "p", "guidance": -1}"#, .outOfRange(param: "guidance", value: "-1.0", allowed: "0.0 to 100.0")),
        (#"{"prompt": "p", "priority": 11}"#, .outOfRange(param: "priority", value: "11", allowed: "-10 to 10")),
        (
            #"{"prompt": "p", "format": "gif"}"#,
            .unknownName(param: "format", value: "gif", allowed: ["png", "jpeg", "webp"])
        ),
        (#"{"prompt": "p", "kind": "caption"}"#, .unavailableKind("caption")),
        (
            #"{"prompt": "p", "seed": -2}"#,
            .wrongType(param: "seed", expected: "an integer from 0 to 18446744073709551615, or -1")
        ),
    ])
    func `a bad parameter is named`(json: String, expected: RequestError) {
        #expect(throws: expected) { try decode(json) }
        #expect(!expected.body.message.isEmpty)
    }

    @Test func `seeds that would overflow and texts that are too long are refused`() {
        let overflow = GenerateRequest(prompt: "p", seed: .max, count: 2)
        #expect(throws: RequestError.self) { try overflow.validated() }
        let long = GenerateRequest(prompt: String(repeating: "x", count: 32_769))
        #expect(throws: RequestError.tooLong(param: "prompt", bytes: 32_769, limit: 32_768)) { try long.validated() }
    }
}

@Suite struct SampleTests {
    /// `samples/` beside `Tests/`.
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("samples")

    @Test func `every sample is a job without a warning`() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
        #expect(files.count >= 2)
        for file in files {
            let submission = try JSONDecoder().decode(JobSubmission.self, from: Data(contentsOf: file)).validated()
            #expect(submission.warnings.isEmpty, "\(file.lastPathComponent)")
        }
    }
}

@Suite struct PathTests {
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
