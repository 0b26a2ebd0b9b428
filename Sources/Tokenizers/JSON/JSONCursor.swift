/// A strict reader that walks a JSON document (RFC 8259) byte by byte.
///
/// Strings stay bytes: as keys of a `[String: …]` dictionary, "é" composed and decomposed would be one key.
struct JSONCursor {
    let document: [UInt8]
    private(set) var offset: Int

    private static let maximumDepth = 128

    init(_ document: [UInt8], at offset: Int = 0) {
        self.document = document
        self.offset = offset
    }

    func failure(_ expected: String) -> TokenizerError {
        .malformedJSON(offset: offset, expected: expected)
    }

    /// The next byte that is no white space; nil at the end.
    mutating func peek() -> UInt8? {
        while offset < document.count {
            let byte = document[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            offset += 1
        }
        return nil
    }

    /// Takes one punctuation byte, if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        offset += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(TokenizerError) {
        guard take(byte) else { throw failure("'\(Unicode.Scalar(byte))'") }
    }

    /// Walks an object's members; `body` finds the cursor at the value and must leave it behind the value.
    mutating func members(
        _ body: (_ key: [UInt8], inout JSONCursor) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        var key: [UInt8] = []
        repeat {
            try string(into: &key)
            try expect(UInt8(ascii: ":"))
            try body(key, &self)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Walks an array's elements; `body` finds the cursor at the element and must leave it behind the element.
    mutating func elements(_ body: (inout JSONCursor) throws(TokenizerError) -> Void) throws(TokenizerError) {
        try expect(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return }
        repeat { try body(&self) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
    }

    /// Passes over one value of any kind and checks its syntax.
    mutating func skip(depth: Int = 0) throws(TokenizerError) {
        guard depth < Self.maximumDepth else { throw failure("fewer than \(Self.maximumDepth) nested values") }
        switch peek() {
        case UInt8(ascii: "{"):
            offset += 1
            if take(UInt8(ascii: "}")) { return }
            repeat {
                try skipString()
                try expect(UInt8(ascii: ":"))
                try skip(depth: depth + 1)
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            offset += 1
            if take(UInt8(ascii: "]")) { return }
            repeat { try skip(depth: depth + 1) } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    /// Takes one of the three words.
    mutating func literal(_ word: StaticString) throws(TokenizerError) {
        for byte in word.description.utf8 {
            guard offset < document.count, document[offset] == byte else { throw failure("'\(word)'") }
            offset += 1
        }
    }

    /// Takes a number and returns its place in the document.
    mutating func number() throws(TokenizerError) -> Range<Int> {
        _ = peek()
        let start = offset
        if current == UInt8(ascii: "-") { offset += 1 }
        let firstDigit = current
        guard skipDigits() else { throw failure("a value") }
        if firstDigit == UInt8(ascii: "0"), offset > start + (document[start] == UInt8(ascii: "-") ? 2 : 1) {
            throw failure("a number without leading zeros")
        }
        if current == UInt8(ascii: ".") {
            offset += 1
            guard skipDigits() else { throw failure("a digit") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            offset += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
            guard skipDigits() else { throw failure("a digit") }
        }
        return start..<offset
    }

    /// Takes a whole number.
    mutating func integer() throws(TokenizerError) -> Int {
        let range = try number()
        guard let value = Int(String(decoding: document[range], as: UTF8.self)) else {
            throw .malformedJSON(offset: range.lowerBound, expected: "a whole number")
        }
        return value
    }

    /// Takes a number.
    mutating func double() throws(TokenizerError) -> Double {
        let range = try number()
        guard let value = Double(String(decoding: document[range], as: UTF8.self)), value.isFinite else {
            throw .malformedJSON(offset: range.lowerBound, expected: "a finite number")
        }
        return value
    }

    private var current: UInt8? {
        offset < document.count ? document[offset] : nil
    }

    private mutating func skipDigits() -> Bool {
        let start = offset
        while let byte = current, (0x30...0x39).contains(byte) { offset += 1 }
        return offset > start
    }
}

extension JSONCursor {
    /// Takes a string and puts its bytes, escapes resolved, into `result`, whose former content goes.
    mutating func string(into result: inout [UInt8]) throws(TokenizerError) {
        result.removeAll(keepingCapacity: true)
        try walkString {
            result.append(contentsOf: $0)
        } escape: {
            result.append(scalar: $0)
        }
    }

    private mutating func skipString() throws(TokenizerError) {
        try walkString { _ in
        } escape: { _ in
        }
    }

    @inline(__always)
    private mutating func walkString(
        plain: (ArraySlice<UInt8>) -> Void, escape: (UInt32) -> Void
    ) throws(TokenizerError) {
        try expect(UInt8(ascii: "\""))
        var start = offset
        while offset < document.count {
            switch document[offset] {
            case UInt8(ascii: "\""):
                plain(document[start..<offset])
                offset += 1
                return
            case UInt8(ascii: "\\"):
                plain(document[start..<offset])
                escape(try escapedScalar())
                start = offset
            case 0..<0x20:
                throw failure("an escape in place of a control character")
            default:
                offset += 1
            }
        }
        throw failure("the end of a string")
    }

    private mutating func escapedScalar() throws(TokenizerError) -> UInt32 {
        offset += 1
        guard let kind = current else { throw failure("an escape") }
        offset += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt32(kind)
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"):
            let high = try hexadecimal()
            guard (0xD800...0xDFFF).contains(high) else { return high }
            guard high < 0xDC00, current == UInt8(ascii: "\\") else { throw failure("a pair of surrogates") }
            offset += 1
            guard current == UInt8(ascii: "u") else { throw failure("a pair of surrogates") }
            offset += 1
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low) else { throw failure("a pair of surrogates") }
            return 0x1_0000 + (high - 0xD800) << 10 + (low - 0xDC00)
        default:
            throw failure("an escape that JSON knows")
        }
    }

    private mutating func hexadecimal() throws(TokenizerError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch current {
            case let digit? where (0x30...0x39).contains(digit): value = value << 4 | UInt32(digit - 0x30)
            case let digit? where (0x41...0x46).contains(digit & 0xDF):
                value = value << 4 | UInt32((digit & 0xDF) - 0x37)
            default: throw failure("four hexadecimal digits")
            }
            offset += 1
        }
        return value
    }
}
