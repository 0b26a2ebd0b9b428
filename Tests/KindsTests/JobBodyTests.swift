import API
import Foundation
import JSON
import Kinds
import Testing
import Vocabulary

let kinds = KindTable(
    [Kind(Generate.self), Kind(Edit.self), Kind(Describe.self), Kind(Upscale.self), Kind(Chat.self)],
    standard: Generate.kind)

func read(_ text: String) throws -> JobSubmission { try JobBody.read(try JSON(Array(text.utf8)), kinds) }

@Suite struct JobBodyTests {
    @Test func `a prompt alone is a job`() throws {
        let submission = try read(#"{"prompt": "a red apple"}"#)
        #expect(submission.kind == Generate.kind && submission.title == "a red apple")
        #expect(submission.priority == 0 && submission.warnings.isEmpty && submission.inputs.isEmpty)
        let parameters = try Generate(try #require(submission.parameters.asObject))
        var expected = Generate(prompt: "a red apple")
        expected.seed = parameters.seed
        #expect(parameters == expected)
        #expect(parameters.seed != nil, "every attempt must draw with the same seed")
    }

    @Test func `every parameter arrives`() throws {
        let submission = try read(
            """
            {"kind": "generate", "prompt": "p", "model": "m", "negative_prompt": "n", "width": 64, "height": 96,
             "steps": 7, "guidance": 2.5, "sampler": "euler", "schedule": "karras", "shift": 3, "seed": 18446744073709551615,
             "count": 1, "precision": "f32", "rng": "philox", "format": "jpeg", "quality": 80, "metadata": "none",
             "on_truncate": "error", "priority": -3, "strict": true}
            """)
        var expected = Generate(prompt: "p")
        expected.model = "m"
        expected.negativePrompt = "n"
        (expected.width, expected.height, expected.steps, expected.guidance) = (64, 96, 7, 2.5)
        (expected.sampler, expected.schedule, expected.shift, expected.seed) = ("euler", "karras", 3, .max)
        (expected.precision, expected.rng, expected.format, expected.quality) = (.f32, .philox, .jpeg, 80)
        (expected.metadata, expected.onTruncate) = (.none, .error)
        #expect(try Generate(try #require(submission.parameters.asObject)) == expected)
        #expect(submission.priority == -3)
    }

    @Test func `what is written is read again`() throws {
        var request = Generate(prompt: "ein Apfel 🍎")
        (request.width, request.guidance, request.seed, request.count) = (512, 7.5, 1 << 63, 4)
        let submission = try JobBody.read(JobBody.write(request, priority: 2, strict: true), kinds)
        #expect(submission == JobSubmission(request, priority: 2))
        let describe = Describe(image: Blob(sha256: String(repeating: "0a", count: 32)))
        let other = try JobBody.read(JobBody.write(describe), kinds)
        #expect(other == JobSubmission(describe) && other.inputs == [describe.image])
    }

    @Test func `what is settled is settled for every attempt`() throws {
        let first = try read(#"{"prompt": "p", "seed": -1, "format": "webp"}"#)
        let members = try #require(first.parameters.asObject)
        for _ in 0..<3 {
            let again = try JobBody.read(JobBody.write(try Generate(members)), kinds)
            #expect(again == first)
        }
        var chosen = Generate(prompt: "p")
        chosen.seed = 0
        chosen.settle()
        #expect(chosen.seed == 0)
    }

    @Test(arguments: [#""seed": -1"#, #""seed": null"#, #""strict": false"#])
    func `-1 and null ask for a random seed`(member: String) throws {
        let seeds = try (0..<4).map { _ in
            try read(#"{"prompt": "p", \#(member)}"#).parameters.asObject?["seed"]?.asUInt64
        }
        #expect(seeds.allSatisfy { $0 != nil } && Set(seeds).count > 1)
    }

    @Test func `an unknown parameter is named and refused only when strict`() throws {
        #expect(
            try read(#"{"prompt": "p", "stepz": 3, "cfg": 1}"#).warnings == [
                #"Unknown parameter "cfg" was ignored."#, #"Unknown parameter "stepz" was ignored."#,
            ])
        #expect(throws: RequestError.unknownParameters(["cfg", "stepz"])) {
            try read(#"{"prompt": "p", "stepz": 3, "cfg": 1, "strict": true}"#)
        }
    }

    @Test func `of many unknown parameters the first are named and the rest counted`() throws {
        let many = (100..<160).map { #""x\#($0)": 1"# }.joined(separator: ", ")
        let warnings = try read(#"{"prompt": "p", \#(many)}"#).warnings
        #expect(warnings.count == 21)
        #expect(warnings.last == "40 more were ignored.")
        let long = String(repeating: "y", count: 100_000)
        #expect(try read(#"{"prompt": "p", "\#(long)": 1}"#).warnings.allSatisfy { $0.utf8.count < 200 })
    }

    @Test(arguments: [
        (#"{}"#, RequestError.missing(param: "prompt")),
        (#"[]"#, .notJSON),
        (#"{"prompt": null}"#, .missing(param: "prompt")),
        (#"{"prompt": "p", "steps": 1.5}"#, .wrongType(param: "steps", expected: "an integer")),
        (#"{"prompt": "p", "strict": 1}"#, .wrongType(param: "strict", expected: "true or false")),
        (#"{"prompt": "p", "priority": 11}"#, .outOfRange(param: "priority", value: "11", allowed: "-10 to 10")),
        (#"{"prompt": "p", "priority": 1.0}"#, .wrongType(param: "priority", expected: "an integer")),
        (
            #"{"prompt": "p", "kind": "caption"}"#,
            .unknownName(param: "kind", value: "caption", allowed: ["generate", "edit", "describe", "upscale", "chat"])
        ),
        (#"{"prompt": "p", "kind": 3}"#, .wrongType(param: "kind", expected: "a string")),
        (#"{"kind": "describe"}"#, .missing(param: "image")),
        (
            #"{"kind": "describe", "image": "../../etc/passwd"}"#,
            .wrongType(param: "image", expected: "the SHA-256 of an uploaded file in hexadecimal")
        ),
        (
            #"{"kind": "upscale", "scale": 2, "height": 9, "image": "\#(String(repeating: "0", count: 64))"}"#,
            .outOfRange(
                param: "scale", value: "2", allowed: "nothing beside width or height, which say the size already")
        ),
        (
            #"{"prompt": "p", "seed": 18446744073709551615, "count": 2}"#,
            .outOfRange(
                param: "seed", value: "18446744073709551615", allowed: "up to 18446744073709551614 for 2 images")
        ),
    ])
    func `a bad body is named`(json: String, expected: RequestError) {
        #expect(throws: expected) { try read(json) }
        #expect(!expected.body.message.isEmpty)
    }
}

/// The tables themselves: every row of every kind.
@Suite struct TableTests {
    /// A body that is right, by kind.
    private static let bodies: [String: [String: JSON]] = [
        "generate": ["kind": .string("generate"), "prompt": .string("p")],
        "edit": [
            "kind": .string("edit"), "prompt": .string("p"), "image": .string(String(repeating: "0", count: 64)),
        ],
        "chat": [
            "kind": .string("chat"),
            "messages": .array([.object(["role": .string("user"), "content": .string("c")])]),
        ],
        "describe": ["kind": .string("describe"), "image": .string(String(repeating: "0", count: 64))],
        "upscale": ["kind": .string("upscale"), "image": .string(String(repeating: "0", count: 64))],
    ]

    private func submit(_ kind: Kind, _ name: String, _ value: JSON) throws(RequestError) -> JSON? {
        var body = Self.bodies[kind.kind.rawValue] ?? [:]
        // Parameters that say nothing without others.
        let isMask = name.hasPrefix("mask") || ["unmasked", "invert_mask"].contains(name)
        if kind.kind == Generate.kind, isMask || ["strength", "fit"].contains(name) || name.hasPrefix("extend") {
            body["image"] = .string(String(repeating: "0", count: 64))
            if isMask { body["mask"] = body["image"] }
            if name == "mask_padding" { body["masked_only"] = .bool(true) }
        }
        body[name] = value
        return try JobBody.read(.object(body), kinds).parameters.asObject?[name]
    }

    /// Values that a row allows, and values that it refuses.
    private func values(_ row: ParameterFacts) -> (good: [JSON], bad: [JSON]) {
        switch row.values {
        case .text(let bytes):
            let longest = String(repeating: "é", count: bytes / 2)
            return (
                [.string("x"), .string(longest), .string("\n\u{7F}\u{10FFFF}")],
                [.string(longest + "xx"), .string("a\u{0}b"), .int(1), .bool(true), .array([]), .object([:])]
            )
        case .integer(let range):
            return (
                [.int(range.lowerBound), .int(range.upperBound), .double(Double(range.lowerBound))],
                [
                    .int(range.lowerBound - 1), .int(range.upperBound + 1), .int(.max), .int(.min), .unsigned(.max),
                    .double(1.5), .double(1e300), .string("1"), .bool(true), .array([.int(1)]),
                ]
            )
        case .number(let range):
            return (
                [.double(range.lowerBound), .double(range.upperBound), .int(Int(range.upperBound))],
                [
                    .double(range.lowerBound.nextDown - 1), .double(range.upperBound + 1), .double(1e300), .int(.min),
                    .unsigned(.max), .string("1"), .bool(false),
                ]
            )
        case .flag: return ([.bool(true), .bool(false)], [.int(0), .string("true")])
        case .choice(let words):
            return (words.map(JSON.string), [.string(""), .string("nothing"), .string(words[0] + " "), .int(0)])
        case .seed:
            return (
                [.int(0), .int(.max), .unsigned(.max), .double(7)],
                [.int(-2), .int(.min), .double(1.5), .double(1e20), .string("1")]
            )
        case .blob:
            let name = String(repeating: "0123456789abcdef", count: 4)
            return ([.string(name)], [.string(name.uppercased()), .string(name + "0"), .string(""), .int(1)])
        case .texts(let count, let bytes):
            let texts = [JSON](repeating: .string("x"), count: count)
            return (
                [.array(texts), .array([.string(String(repeating: "x", count: bytes))])],
                [.array(texts + texts), .array([.int(1)]), .string(String(repeating: "x", count: bytes + 1)), .int(1)]
            )
        case .messages(let bytes):
            func message(_ role: String, _ content: String) -> JSON {
                .array([.object(["role": .string(role), "content": .string(content)])])
            }
            return (
                [message("user", "x"), message("assistant", String(repeating: "x", count: bytes))],
                [
                    message("nobody", "x"), message("user", String(repeating: "x", count: bytes + 1)), .array([]),
                    .string("x"), .array([.string("x")]), .array([.object(["role": .string("user")])]),
                ]
            )
        }
    }

    @Test func `every row takes what it allows, tells it again, and refuses the rest by name`() throws {
        for kind in kinds.kinds {
            #expect(Set(kind.parameters.map(\.name)).count == kind.parameters.count)
            for row in kind.parameters {
                #expect(row.help.hasSuffix(".") && !kind.summary.isEmpty)
                let (good, bad) = values(row)
                for value in good {
                    let told = try submit(kind, row.name, value)
                    #expect(
                        told?.asDouble == value.asDouble && told?.asString == value.asString, "\(row.name) \(value)")
                }
                for value in bad {
                    do throws(RequestError) {
                        _ = try submit(kind, row.name, value)
                        Issue.record("\(row.name) took \(value)")
                    } catch {
                        #expect(error.body.param == row.name, "\(row.name) \(value): \(error)")
                    }
                }
                if row.isRequired {
                    #expect(throws: RequestError.missing(param: row.name)) { try submit(kind, row.name, .null) }
                } else if row.values != .seed {
                    #expect(try submit(kind, row.name, .null) == row.standard)
                }
            }
        }
    }
}
