import JSON
import Testing

@Suite struct JSONScannerTests {
    private func scanner(_ text: String, _ rules: JSON.Rules = .strict) throws -> JSONScanner {
        try JSONScanner(Array(text.utf8), rules)
    }

    @Test func `a document is pulled value by value`() throws {
        var scanner = try scanner(#" { "a" : [ 1 , -2.5 , true , null ] , "b\n" : { } , "c" : "x" } "#)
        try scanner.beginObject()
        #expect(try scanner.nextKey() == "a")
        try scanner.beginArray()
        #expect(try scanner.nextElement() && scanner.integer() == 1)
        #expect(try scanner.nextElement() && scanner.double() == -2.5)
        #expect(try scanner.nextElement() && scanner.kind() == .bool && scanner.bool())
        #expect(try scanner.nextElement() && scanner.kind() == .null)
        try scanner.null()
        #expect(try !scanner.nextElement())
        var key = Array("former".utf8)
        #expect(try scanner.nextKey(into: &key) && key == Array("b\n".utf8))
        try scanner.beginObject()
        #expect(try scanner.nextKey() == nil)
        #expect(try scanner.nextKey() == "c")
        #expect(try scanner.string() == "x")
        #expect(try scanner.nextKey() == nil)
        try scanner.end()
    }

    @Test func `a copy is a second place`() throws {
        var scanner = try scanner(#"[{"a": [1]}, 2]"#)
        try scanner.beginArray()
        _ = try scanner.nextElement()
        var place = scanner
        try scanner.skip()
        #expect(try scanner.nextElement() && scanner.integer() == 2)
        #expect(try place.value() == .object(["a": .array([.int(1)])]))
    }

    @Test func `skipping ends where reading does`() throws {
        var random = SeededGenerator(3)
        for _ in 0..<1000 {
            let document = JSON.array((0..<3).map { _ in .random(depth: 3, using: &random) }).text(pretty: true)
            var reader = try JSONScanner(document)
            try reader.beginArray()
            var skipper = reader
            while try reader.nextElement() {
                #expect(try skipper.nextElement())
                _ = try reader.value()
                try skipper.skip()
                #expect(reader.offset == skipper.offset)
            }
        }
    }

    @Test(
        arguments: [
            ("x", 0, .expected("a string")), (#" "a""#, 1, .expected("a whole number")),
            ("1.5", 0, .expected("a whole number")),
            ("9223372036854775808", 0, .expected("a whole number")),
        ] as [(String, Int, JSONFault.Reason)])
    func `values of another kind are named`(_ text: String, _ offset: Int, _ reason: JSONFault.Reason) throws {
        var scanner = try scanner(text)
        #expect(throws: JSONFault(offset: offset, reason: text == "x" ? reason : kindFault(text, reason))) {
            if text == "x" { _ = try scanner.string() } else { _ = try scanner.integer() }
        }
    }

    private func kindFault(_ text: String, _ reason: JSONFault.Reason) -> JSONFault.Reason {
        text.contains("\"") ? .expected("a number") : reason
    }

    @Test func `counts and doubles refuse what they cannot hold`() throws {
        #expect(throws: JSONFault(offset: 1, reason: .expected("a number from 0"))) {
            var scanner = try scanner(" -1")
            _ = try scanner.count()
        }
        #expect(throws: JSONFault(offset: 0, reason: .notFinite)) {
            var scanner = try scanner("NaN", .python)
            _ = try scanner.double()
        }
    }
}
