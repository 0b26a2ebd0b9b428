import JSON
import Testing

@Suite struct JSONTests {
    private func read(_ text: String, _ rules: JSON.Rules = .strict) throws(JSONFault) -> JSON {
        try JSON(Array(text.utf8), rules)
    }

    private func fault(_ text: [UInt8], _ rules: JSON.Rules = .strict) -> JSONFault? {
        do throws(JSONFault) {
            _ = try JSON(text, rules)
            return nil
        } catch { return error }
    }

    @Test func `generated values read as they were written`() throws {
        var random = SeededGenerator(1)
        for _ in 0..<3000 {
            let value = JSON.random(depth: 4, using: &random)
            let text = value.text()
            #expect(try JSON(text) == value)
            #expect(try JSON(value.text(pretty: true)) == value)
            #expect(try JSON(text).text() == text, "equal values are equal bytes")
            #expect(!text.contains(0x0A))
        }
    }

    @Test func `mutated documents are values or faults inside the text, whichever way they are read`() throws {
        var random = SeededGenerator(2)
        var faults = 0
        for _ in 0..<20_000 {
            let document = mutated(JSON.random(depth: 3, using: &random).text(), using: &random)
            do throws(JSONFault) {
                let value = try JSON(document)
                #expect(try JSON(value.text()) == value)
                #expect(skipFault(document) == nil)
            } catch {
                faults += 1
                #expect((0...document.count).contains(error.offset))
                if case .repeatedKey = error.reason { continue }
                #expect(skipFault(document)?.reason == error.reason, "skipping is as strict as reading")
            }
        }
        #expect(faults > 5000)
    }

    private func skipFault(_ document: [UInt8]) -> JSONFault? {
        do throws(JSONFault) {
            var scanner = try JSONScanner(document)
            try scanner.skip()
            try scanner.end()
            return nil
        } catch { return error }
    }

    @Test(
        arguments: [
            ("", 0, .unexpectedEnd), ("  ", 2, .unexpectedEnd), ("{", 1, .unexpectedEnd), ("[1", 2, .unexpectedEnd),
            ("\"a", 2, .unexpectedEnd), (#""\"#, 2, .unexpectedEnd), (#""\u00"#, 5, .unexpectedEnd),
            (#"{"a":}"#, 5, .expected("a value")), (#"{"a":1,}"#, 7, .expected("a string")),
            ("[1,]", 3, .expected("a value")), ("[,1]", 1, .expected("a value")), ("[1 2]", 3, .expected("',' or ']'")),
            (#"{"a":1 "b":2}"#, 7, .expected("',' or '}'")), (#"{"a" 1}"#, 5, .expected("':'")),
            ("{'a':1}", 1, .expected("a string")), ("{1:1}", 1, .expected("a string")),
            ("[1}", 2, .expected("',' or ']'")),
            ("01", 2, .invalidNumber), ("-01", 3, .invalidNumber), ("1.", 2, .expected("a digit")),
            (".5", 0, .unexpected(UInt8(ascii: "."))), ("1e", 2, .expected("a digit")),
            ("1e+", 3, .expected("a digit")),
            ("-", 1, .expected("a number")), ("+1", 0, .unexpected(UInt8(ascii: "+"))), ("1e400", 5, .invalidNumber),
            ("0x1", 1, .trailingBytes), ("tru", 0, .expected("true or false")), ("nul", 0, .expected("null")),
            ("1 x", 2, .trailingBytes), (#"{"a":1,"a":2}"#, 11, .repeatedKey("a")),
            (#"{"\u00e9":1,"e\u0301":2}"#, 22, .repeatedKey("é")), ("\"a\u{0}\"", 2, .invalidString),
            (#""\x""#, 1, .invalidString), (#""\u12g4""#, 5, .invalidString), ("\"\n\"", 1, .invalidString),
            (#""\ud800""#, 1, .loneSurrogate), (#""\udc00""#, 1, .loneSurrogate), (#""\ud800\n""#, 1, .loneSurrogate),
            (#""\ud800\ud800""#, 1, .loneSurrogate), ("NaN", 0, .notFinite), ("[-Infinity]", 1, .notFinite),
            ("\u{FEFF}1", 0, .unexpected(0xEF)), ("// a\n1", 0, .unexpected(UInt8(ascii: "/"))),
        ] as [(String, Int, JSONFault.Reason)])
    func `what is not JSON is named with its place`(_ text: String, _ offset: Int, _ reason: JSONFault.Reason) {
        #expect(fault(Array(text.utf8)) == JSONFault(offset: offset, reason: reason))
    }

    @Test(
        arguments: [
            ([0x22, 0xFF, 0x22], 1), ([0x22, 0xC3, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1), ([0x31, 0x80], 1),
            ([0x22, 0xC0, 0xAF, 0x22], 1), ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1), ([0x5B, 0x5D, 0xE2, 0x82], 2),
        ] as [([UInt8], Int)])
    func `text that is not UTF-8 is refused wherever it stands`(_ text: [UInt8], _ offset: Int) {
        #expect(fault(text) == JSONFault(offset: offset, reason: .invalidUTF8))
    }

    @Test(
        arguments: [
            ("0", .int(0)), ("-0", .int(0)), ("-0.0", .double(-0.0)), ("9223372036854775807", .int(.max)),
            ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", .double(0x1p64)), ("-9223372036854775808", .int(.min)),
            ("-9223372036854775809", .double(-0x1p63)), ("1.0", .double(1)), ("1e2", .double(100)),
            ("5e-324", .double(.leastNonzeroMagnitude)),
            ("1E+2", .double(100)), ("0.1", .double(0.1)), ("1e-400", .double(0)),
            ("123456789012345678901", .double(1.2345678901234568e20)),
        ] as [(String, JSON)])
    func `numbers keep 64 bits, then become doubles`(_ text: String, _ value: JSON) throws {
        #expect(try read(text) == value)
        #expect(try read(" [\(text)\n]") == .array([value]))
    }

    @Test func `doubles at every edge survive`() throws {
        var numbers: [Double] = [
            0, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, .pi, 0x1p53,
        ]
        numbers += numbers.flatMap { [$0.nextUp, $0.nextDown, -$0] }.filter(\.isFinite)
        for number in numbers {
            let value = try JSON(JSON.double(number).text())
            #expect(value == .double(number))
        }
    }

    @Test func `Python's numbers and a byte order mark are read where the rules say so`() throws {
        #expect(
            try read("[Infinity, -Infinity, 1e400]", .python)
                == .array([.double(.infinity), .double(-.infinity), .double(.infinity)]))
        #expect(try read("NaN", .python).asDouble?.isNaN == true)
        #expect(try read("\u{FEFF} 1", .python) == .int(1))
        #expect(fault(Array(" \u{FEFF}1".utf8), .python)?.reason == .unexpected(0xEF))
        #expect(fault(Array("Nan".utf8), .python)?.reason == .expected("a number"))
        #expect(
            String(decoding: JSON.array([.double(.nan), .double(-.infinity)]).text(), as: UTF8.self) == "[null,null]")
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}")]) func `nesting has a limit`(_ opening: String, _ closing: String)
        throws
    {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth)).utf8)
        }
        #expect(fault(nested(64)) == nil)
        #expect(fault(nested(65)) == JSONFault(offset: 64 * opening.utf8.count, reason: .tooDeep(limit: 64)))
        #expect(skipFault(nested(65))?.reason == .tooDeep(limit: 64))
        #expect(fault(Array(String(repeating: opening, count: 1_000_000).utf8))?.reason == .tooDeep(limit: 64))
        #expect(fault(nested(3), JSON.Rules(depth: 2))?.reason == .tooDeep(limit: 2))
    }

    @Test func `sizes and numbers of values have limits`() throws {
        #expect(fault(Array("[1,2]".utf8), JSON.Rules(size: 4))?.reason == .tooLarge(size: 5, limit: 4))
        #expect(fault(Array("[1,2]".utf8), JSON.Rules(values: 3)) == nil)
        #expect(
            fault(Array("[1,2,3]".utf8), JSON.Rules(values: 3))
                == JSONFault(offset: 5, reason: .tooManyValues(limit: 3)))
        let digits = String(repeating: "1", count: 1100)
        #expect(try read("0.\(digits.dropFirst(2))").asDouble.map { abs($0 - 1.0 / 9) < 1e-15 } == true)
        #expect(fault(Array("0.\(digits)".utf8))?.reason == .invalidNumber)
    }

    @Test func `escapes of every kind are resolved`() throws {
        #expect(
            try read(#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83e\udd8a\u0000""#) == .string("\"\\/\u{8}\u{C}\n\r\tAé🦊\u{0}"))
        let text = JSON.string("\"\\/\u{8}\u{C}\n\r\t\u{1}\u{1F}é🦊").text()
        #expect(String(decoding: text, as: UTF8.self) == #""\"\\/\b\f\n\r\t\u0001\u001fé🦊""#)
    }

    @Test func `pretty text has one value a line`() throws {
        let value = try read(#"{"b":[1,{}],"a":{"x":null},"c":[]}"#)
        #expect(String(decoding: value.text(), as: UTF8.self) == #"{"a":{"x":null},"b":[1,{}],"c":[]}"#)
        let pretty = """
            {
              "a": {
                "x": null
              },
              "b": [
                1,
                {}
              ],
              "c": []
            }
            """
        #expect(String(decoding: value.text(pretty: true), as: UTF8.self) == pretty)
    }

    @Test func `typed readers give the value or nothing`() throws {
        let value = try read(#"{"i":512,"w":512.0,"h":0.5,"u":18446744073709551615,"s":"x","b":true,"n":null,"l":[1]}"#)
        #expect(value["i"]?.asInt == 512 && value["w"]?.asInt == 512 && value["h"]?.asInt == nil)
        #expect(value["u"]?.asInt == nil && value["u"]?.asUInt64 == .max && value["i"]?.asUInt64 == 512)
        #expect(value["h"]?.asDouble == 0.5 && value["i"]?.asDouble == 512 && value["s"]?.asDouble == nil)
        #expect(value["s"]?.asString == "x" && value["b"]?.asBool == true && value["n"]?.isNull == true)
        #expect(value["l"]?.asArray == [.int(1)] && value["l"]?["x"] == nil && value["absent"] == nil)
        #expect(JSON.int(-1).asUInt64 == nil && JSON.double(.nan).asInt == nil && JSON.double(1e300).asInt == nil)
    }

    @Test func `messages quote at most 60 scalars`() {
        let long = String(repeating: "e\u{301}", count: 10_000)
        #expect(JSON.string(long).summary.unicodeScalars.count == 63)
        #expect("\(JSONFault(offset: 7, reason: .repeatedKey(long)))".unicodeScalars.count < 120)
        #expect("\(JSONFault(offset: 7, reason: .loneSurrogate))".hasPrefix("invalid JSON at byte 7: a \\u escape"))
    }
}
