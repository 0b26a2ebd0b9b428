// A pull parser for JSON (RFC 8259). Nothing is allocated for values that the caller skips; the text is checked to be
// UTF-8 once, at the start, so that a string cut at its quotation marks is UTF-8 as well.

/// A place in a JSON document, and how to read on from there. A copy is a second place.
///
///     try scanner.beginObject()
///     while let key = try scanner.nextKey() { … read or skip the value … }
///
/// Whether keys repeat is for the caller to see; `value()` refuses them.
package struct JSONScanner: Sendable {
    /// The whole text.
    package let document: [UInt8]
    /// The next byte to be read.
    package internal(set) var offset = 0
    let rules: JSON.Rules
    private var depth = 0
    /// An object or list was opened, and what it holds first has not been asked for.
    private var isFresh = false
    /// How many values `value()` may still read.
    private var allowance: Int

    /// A scanner at the start of `document`; throws when it is too large or not UTF-8.
    package init(_ document: [UInt8], _ rules: JSON.Rules = .strict) throws(JSONFault) {
        guard document.count <= rules.size else {
            throw JSONFault(offset: 0, reason: .tooLarge(size: document.count, limit: rules.size))
        }
        do throws(Unicode.UTF8.ValidationError) { _ = try UTF8Span(validating: document.span) } catch {
            throw JSONFault(offset: error.byteOffsets.lowerBound, reason: .invalidUTF8)
        }
        self.document = document
        self.rules = rules
        allowance = rules.values
        if rules.skipsByteOrderMark, document.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    }

    package func fault(_ reason: JSONFault.Reason) -> JSONFault { JSONFault(offset: offset, reason: reason) }

    var current: UInt8? { offset < document.count ? document[offset] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    /// The next byte that is not white space, not consumed.
    mutating func peek() throws(JSONFault) -> UInt8 {
        skipSpace()
        guard let byte = current else { throw fault(.unexpectedEnd) }
        return byte
    }

    /// Requires that only white space is left.
    package mutating func end() throws(JSONFault) {
        skipSpace()
        guard current == nil else { throw fault(.trailingBytes) }
    }

    mutating func take(_ byte: UInt8, _ wanted: @autoclosure () -> String) throws(JSONFault) {
        guard try peek() == byte else { throw fault(.expected(wanted())) }
        offset += 1
    }

    mutating func takes(word: StaticString) -> Bool {
        guard document.count - offset >= word.utf8CodeUnitCount else { return false }
        let matches = word.withUTF8Buffer { $0.elementsEqual(document[offset..<offset + $0.count]) }
        if matches { offset += word.utf8CodeUnitCount }
        return matches
    }

    // MARK: Kinds

    package enum Kind: Sendable { case null, bool, number, string, array, object }

    /// What the value is that comes next, told by its first byte; nothing but white space is consumed.
    package mutating func kind() throws(JSONFault) -> Kind {
        switch try peek() {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "-"), 0x30...0x39, UInt8(ascii: "N"), UInt8(ascii: "I"): .number
        case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","), UInt8(ascii: ":"):
            throw fault(.expected("a value"))
        case let byte: throw fault(.unexpected(byte))
        }
    }

    // MARK: Objects and lists

    package mutating func beginObject() throws(JSONFault) {
        try open(UInt8(ascii: "{"), "an object")
    }

    /// Reads the next key and its colon; nil behind the last member, where the object is closed.
    package mutating func nextKey() throws(JSONFault) -> String? {
        guard try follows(before: UInt8(ascii: "}")) else { return nil }
        let key = try string()
        try take(UInt8(ascii: ":"), "':'")
        return key
    }

    /// As `nextKey`, with the key's bytes in `key`, whose former content goes.
    package mutating func nextKey(into key: inout [UInt8]) throws(JSONFault) -> Bool {
        guard try follows(before: UInt8(ascii: "}")) else { return false }
        try string(into: &key)
        try take(UInt8(ascii: ":"), "':'")
        return true
    }

    package mutating func beginArray() throws(JSONFault) {
        try open(UInt8(ascii: "["), "a list")
    }

    /// Whether an element comes next; false behind the last, where the list is closed.
    package mutating func nextElement() throws(JSONFault) -> Bool { try follows(before: UInt8(ascii: "]")) }

    private mutating func open(_ bracket: UInt8, _ wanted: String) throws(JSONFault) {
        guard try peek() != bracket || depth < rules.depth else { throw fault(.tooDeep(limit: rules.depth)) }
        try take(bracket, wanted)
        depth += 1
        isFresh = true
    }

    private mutating func follows(before closing: UInt8) throws(JSONFault) -> Bool {
        let byte = try peek()
        if byte == closing {
            offset += 1
            depth -= 1
            isFresh = false
            return false
        }
        if isFresh {
            isFresh = false
        } else {
            try take(UInt8(ascii: ","), "',' or '\(Unicode.Scalar(closing))'")
        }
        return true
    }

    // MARK: Whole values

    /// Reads one value of any kind.
    package mutating func value() throws(JSONFault) -> JSON {
        guard allowance > 0 else { throw fault(.tooManyValues(limit: rules.values)) }
        allowance -= 1
        switch try kind() {
        case .object: return .object(try members())
        case .array:
            var values: [JSON] = []
            try beginArray()
            while try nextElement() { values.append(try value()) }
            return .array(values)
        case .string: return .string(try string())
        case .bool: return .bool(try bool())
        case .null:
            try null()
            return .null
        case .number: return try number()
        }
    }

    private mutating func members() throws(JSONFault) -> [String: JSON] {
        var members: [String: JSON] = [:]
        try beginObject()
        while let key = try nextKey() {
            guard members[key] == nil else { throw fault(.repeatedKey(key)) }
            members[key] = try value()
        }
        return members
    }

    /// Passes over one value of any kind and checks its syntax, not whether keys repeat.
    package mutating func skip() throws(JSONFault) {
        switch try kind() {
        case .object:
            try beginObject()
            while try follows(before: UInt8(ascii: "}")) {
                try skipString()
                try take(UInt8(ascii: ":"), "':'")
                try skip()
            }
        case .array:
            try beginArray()
            while try nextElement() { try skip() }
        case .string: try skipString()
        case .bool: _ = try bool()
        case .null: try null()
        case .number: _ = try number()
        }
    }

    package mutating func bool() throws(JSONFault) -> Bool {
        _ = try peek()
        if takes(word: "true") { return true }
        if takes(word: "false") { return false }
        throw fault(.expected("true or false"))
    }

    package mutating func null() throws(JSONFault) {
        _ = try peek()
        guard takes(word: "null") else { throw fault(.expected("null")) }
    }
}
