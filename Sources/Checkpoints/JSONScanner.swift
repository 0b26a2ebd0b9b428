// A strict pull parser for JSON (RFC 8259): nothing is allocated for values that the caller skips, repeated keys of an
// object are errors, nesting is bounded. As Python's `json` writes them, NaN and ±Infinity are read as numbers.

/// Where and why a text is not the JSON that was asked for.
package struct JSONFault: Error, Equatable, Sendable {
    package let offset: Int
    package let reason: Reason

    package enum Reason: Equatable, Sendable {
        case unexpectedEnd, invalidText, invalidNumber, tooDeep, tooManyValues, trailingBytes
        case unexpected(UInt8)
        case expected(String)
        case repeatedKey(String)
    }
}

extension JSONFault: CustomStringConvertible {
    package var description: String {
        let what: String
        switch reason {
        case .unexpectedEnd: what = "the text ends too early"
        case .invalidText: what = "a string is not valid UTF-8 or has a bad escape"
        case .invalidNumber: what = "a number is malformed or too large"
        case .tooDeep: what = "values are nested too deeply"
        case .tooManyValues: what = "there are too many values"
        case .trailingBytes: what = "there are bytes after the end"
        case .unexpected(let byte): what = "unexpected byte 0x\(String(byte, radix: 16))"
        case .expected(let wanted): what = "expected \(wanted)"
        case .repeatedKey(let key): what = "the key \"\(key)\" occurs twice"
        }
        return "invalid JSON at byte \(offset): \(what)"
    }
}

struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0
    private var depth = 0
    private static let deepest = 64

    /// Reads `bytes`, which must outlive the scanner.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func fault(_ reason: JSONFault.Reason) -> JSONFault { JSONFault(offset: offset, reason: reason) }

    /// The next byte that is not white space, not consumed.
    mutating func peek() throws(JSONFault) -> UInt8 {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            case let byte: return byte
            }
        }
        throw fault(.unexpectedEnd)
    }

    /// Requires that only white space is left.
    mutating func end() throws(JSONFault) {
        while offset < bytes.count {
            guard [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) else { throw fault(.trailingBytes) }
            offset += 1
        }
    }

    private mutating func take(_ byte: UInt8) throws(JSONFault) {
        let found = try peek()
        guard found == byte else { throw fault(.unexpected(found)) }
        offset += 1
    }

    private mutating func takes(_ byte: UInt8) throws(JSONFault) -> Bool {
        guard try peek() == byte else { return false }
        offset += 1
        return true
    }

    private mutating func takes(word: StaticString) -> Bool {
        guard bytes.count - offset >= word.utf8CodeUnitCount else { return false }
        for i in 0..<word.utf8CodeUnitCount where bytes[offset + i] != word.utf8Start[i] { return false }
        offset += word.utf8CodeUnitCount
        return true
    }

    private mutating func descend() throws(JSONFault) {
        depth += 1
        guard depth <= Self.deepest else { throw fault(.tooDeep) }
    }

    /// Reads an object, calling `member` with every key; `member` must consume the value. Keys may repeat.
    mutating func object<E: Error>(
        _ failure: (JSONFault) -> E, _ member: (inout JSONScanner, String) throws(E) -> Void
    ) throws(E) {
        do throws(JSONFault) { try take(UInt8(ascii: "{")); try descend() } catch { throw failure(error) }
        var first = true
        while true {
            let key: String?
            do throws(JSONFault) { key = try nextKey(first: first) } catch { throw failure(error) }
            guard let key else { break }
            try member(&self, key)
            first = false
        }
        depth -= 1
    }

    private mutating func nextKey(first: Bool) throws(JSONFault) -> String? {
        if try takes(UInt8(ascii: "}")) { return nil }
        if !first { try take(UInt8(ascii: ",")) }
        let key = try string()
        try take(UInt8(ascii: ":"))
        return key
    }

    /// Reads an array, calling `element` before every value; `element` must consume it.
    mutating func array(_ element: (inout JSONScanner) throws(JSONFault) -> Void) throws(JSONFault) {
        try take(UInt8(ascii: "["))
        try descend()
        var first = true
        while try !takes(UInt8(ascii: "]")) {
            if !first { try take(UInt8(ascii: ",")) }
            try element(&self)
            first = false
        }
        depth -= 1
    }

    /// Reads true, false or null.
    mutating func constant() throws(JSONFault) -> JSON {
        let byte = try peek()
        if takes(word: "true") { return .bool(true) }
        if takes(word: "false") { return .bool(false) }
        if takes(word: "null") { return .null }
        throw fault(.unexpected(byte))
    }

    /// Reads a number that is an integer in 0…Int.max.
    mutating func count() throws(JSONFault) -> Int {
        guard case .int(let value) = try number(), value >= 0 else { throw fault(.invalidNumber) }
        return value
    }

    /// Reads a number: `int` when it is written as an integer and fits, else `double`.
    mutating func number() throws(JSONFault) -> JSON {
        _ = try peek()
        if takes(word: "NaN") { return .double(.nan) }
        if takes(word: "Infinity") { return .double(.infinity) }
        if takes(word: "-Infinity") { return .double(-.infinity) }
        let start = offset
        var isInteger = true
        if current == UInt8(ascii: "-") { offset += 1 }
        let leadingZero = current == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || (whole > 1 && !leadingZero) else { throw fault(.invalidNumber) }
        if current == UInt8(ascii: ".") {
            offset += 1
            isInteger = false
            guard digits() > 0 else { throw fault(.invalidNumber) }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            offset += 1
            isInteger = false
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
            guard digits() > 0 else { throw fault(.invalidNumber) }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let value = Int(text) { return .int(value) }
        guard let value = Double(text) else { throw fault(.invalidNumber) }
        return .double(value)
    }

    private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func digits() -> Int {
        let start = offset
        while let byte = current, (0x30...0x39).contains(byte) { offset += 1 }
        return offset - start
    }

    /// Reads a string.
    mutating func string() throws(JSONFault) -> String {
        guard try peek() == UInt8(ascii: "\"") else { throw fault(.expected("a string")) }
        offset += 1
        let start = offset
        while let byte = current {
            if byte == UInt8(ascii: "\"") {
                guard let text = String(validating: bytes[start..<offset], as: UTF8.self) else {
                    throw fault(.invalidText)
                }
                offset += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw fault(.invalidText) }
            offset += 1
        }
        throw fault(.unexpectedEnd)
    }

    private mutating func escapedString(from start: Int) throws(JSONFault) -> String {
        var text = [UInt8](bytes[start..<offset])
        while let byte = current {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw fault(.invalidText) }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: Array(String(try escape()).utf8))
            case 0..<0x20: throw fault(.invalidText)
            default: text.append(byte)
            }
        }
        throw fault(.unexpectedEnd)
    }

    private mutating func escape() throws(JSONFault) -> Unicode.Scalar {
        guard let byte = current else { throw fault(.unexpectedEnd) }
        offset += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw fault(.invalidText)
        }
    }

    /// The scalar of \uXXXX, or of a surrogate pair; a lone surrogate becomes U+FFFD.
    private mutating func unicodeEscape() throws(JSONFault) -> Unicode.Scalar {
        let high = try hexadecimal()
        guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) ?? "\u{FFFD}" }
        let mark = offset
        guard takes(word: "\\u") else { return "\u{FFFD}" }
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else {
            offset = mark
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
        guard bytes.count - offset >= 4 else { throw fault(.unexpectedEnd) }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else { throw fault(.invalidText) }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    /// Consumes one value of any kind.
    mutating func skip() throws(JSONFault) {
        switch try peek() {
        case UInt8(ascii: "{"): try object({ $0 }) { scanner, _ throws(JSONFault) in try scanner.skip() }
        case UInt8(ascii: "["): try array { scanner throws(JSONFault) in try scanner.skip() }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): _ = try constant()
        default: _ = try number()
        }
    }
}
