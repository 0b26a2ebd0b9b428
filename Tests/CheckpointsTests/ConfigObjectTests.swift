import Checkpoints
import Testing

@Suite struct ConfigObjectTests {
    private enum Activation: String, CaseIterable { case silu, gelu }

    private func config(_ text: String) throws -> ConfigObject {
        try ConfigObject(Array(text.utf8), file: "config.json")
    }

    @Test func `values of every kind are read`() throws {
        let json = try config(
            """
            {"n": 12, "f": 0.5, "whole": 3.0, "e": 1e-5, "b": true, "s": "a\\u00e9\\ud83e\\udd8a\\n", "z": null,
             "list": [1, 2], "nested": [[1, 2], 3], "one": 8, "words": ["x"], "inner": {"act": "gelu", "deep": {"k": 1}}, "many": [{"a": 1}, {"a": "x"}]}
            """)
        #expect(try json.int("n") == 12 && json.int("whole") == 3 && json.int("absent", default: 7) == 7)
        #expect(try json.int("z", default: 9) == 9 && json.optionalInt("z") == nil && !json.has("z"))
        #expect(try json.double("f") == 0.5 && json.double("e") == 1e-5 && json.double("n") == 12)
        #expect(try json.bool("b") && json.bool("absent", default: true))
        #expect(try json.string("s") == "aé🦊\n")
        #expect(try json.ints("list") == [1, 2] && json.ints("one", count: 3) == [8, 8, 8])
        #expect(try json.ints("absent", count: 2, default: 1) == [1, 1])
        #expect(try json.intLists("nested", counts: [2, 3]) == [[1, 2], [3, 3, 3]])
        #expect(try json.intLists("one", counts: [1, 2]) == [[8], [8, 8]])
        #expect(try json.intLists("absent", counts: [2], default: 5) == [[5, 5]])
        #expect(try json.strings("words") == ["x"])
        #expect(try json.object("inner").named("act", default: Activation.silu) == .gelu)
        #expect(try json.named("absent", default: Activation.silu) == .silu)
        #expect(try json.optionalObjects("many")?.count == 2)
    }

    @Test func `errors name file, key, what was expected and what was found`() throws {
        let json = try config(
            #"{"n": -1, "big": 1e400, "nan": NaN, "t": "x", "inner": {"act": "relu"}, "l": [1, "a"]}"#)
        func message(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "no error"
            } catch { return "\(error)" }
        }
        #expect(
            message { _ = try json.int("n") } == #"config.json: "n" must be an integer from 0 to 2147483647, found -1"#)
        #expect(message { _ = try json.int("t") } == #"config.json: "t" must be an integer, found "x""#)
        #expect(message { _ = try json.double("big") } == #"config.json: "big" must be a finite number, found inf"#)
        #expect(message { _ = try json.double("nan") } == #"config.json: "nan" must be a finite number, found nan"#)
        #expect(message { _ = try json.int("nan") }.contains("found nan"))
        #expect(message { _ = try json.int("absent") } == #"config.json: "absent" is missing"#)
        #expect(message { _ = try json.ints("l") } == #"config.json: "l" must be an integer, found "a""#)
        #expect(
            message { _ = try json.ints("l", count: 3) } == #"config.json: "l" must be 3 integers, found a list of 2"#)
        #expect(
            message { _ = try json.object("inner").named("act", default: Activation.silu) }
                == #"config.json: "inner.act" is "relu", which is not supported; known: silu, gelu"#)
        #expect(message { _ = try json.object("t") }.contains("must be an object"))
    }

    @Test(arguments: [
        "", "[]", "1", "{", #"{"a":}"#, #"{"a":1,}"#, #"{"a":1 "b":2}"#, #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#,
        #"{"a":1e}"#, #"{"a":"\x"}"#, #"{"a":"\u12"}"#, #"{"a":1}x"#, #"{"a":1,"a":2}"#, "{'a':1}", "{\"a\":\"\u{0}\"}",
        #"{"a":tru}"#, #"{"a":-}"#, #"{"a":+1}"#,
    ]) func `malformed JSON is a typed error`(_ text: String) {
        #expect(throws: ConfigError.self) { try config(text) }
    }

    @Test func `text that is not UTF-8 is a typed error`() {
        #expect(throws: ConfigError.self) { try ConfigObject([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], file: "c") }
    }
}
