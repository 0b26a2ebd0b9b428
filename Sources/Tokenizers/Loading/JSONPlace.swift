import JSON

/// A value of a tokenizer's JSON, kept as its place in the document and read when asked.
///
/// A tokenizer is a few small objects around a vocabulary of megabytes, so nothing is built that nobody looks at.
struct JSONPlace: Sendable {
    private let scanner: JSONScanner
    let kind: JSONScanner.Kind
    /// Path from the document's root, for messages.
    let path: String

    /// Files of tokenizers: the largest published has 33 MB.
    static let rules = JSON.Rules(size: 128 << 20, allowsNonFinite: true, skipsByteOrderMark: true)

    /// The object that a document is; the whole syntax is checked.
    static func root(_ document: [UInt8]) throws(TokenizerError) -> Object {
        let scanner = try checked { () throws(JSONFault) in try JSONScanner(document, rules) }
        var cursor = JSONCursor(scanner)
        let place = try JSONPlace(&cursor, path: "")
        let (object, end) = try place.walkObject()
        cursor = end
        try cursor.end()
        return object
    }

    /// The place where a cursor stands.
    private init(_ cursor: inout JSONCursor, path: String) throws(TokenizerError) {
        kind = try cursor.kind()
        scanner = cursor.scanner
        self.path = path
    }

    /// A cursor that stands at this value.
    var cursor: JSONCursor { JSONCursor(scanner) }

    func object() throws(TokenizerError) -> Object { try walkObject().object }

    /// The object, and a cursor that stands behind it.
    private func walkObject() throws(TokenizerError) -> (object: Object, end: JSONCursor) {
        guard kind == .object else { throw .malformed(field: path, expected: "an object") }
        var members: [(name: String, value: JSONPlace)] = []
        var names: Set<String> = []
        var cursor = cursor
        try cursor.members { (key, cursor) throws(TokenizerError) in
            let name = String(decoding: key, as: UTF8.self)
            guard names.insert(name).inserted else { throw cursor.failure(.repeatedKey(name)) }
            let path = path.isEmpty ? name : path + "." + name
            members.append((name, try JSONPlace(&cursor, path: path)))
            try cursor.skip()
        }
        return (Object(path: path, members: members), cursor)
    }

    func array() throws(TokenizerError) -> [JSONPlace] {
        guard kind == .array else { throw .malformed(field: path, expected: "an array") }
        var result: [JSONPlace] = []
        var cursor = cursor
        try cursor.elements { (cursor) throws(TokenizerError) in
            result.append(try JSONPlace(&cursor, path: path + ".\(result.count)"))
            try cursor.skip()
        }
        return result
    }

    func bytes() throws(TokenizerError) -> [UInt8] {
        guard kind == .string else { throw .malformed(field: path, expected: "a string") }
        var result: [UInt8] = []
        var cursor = cursor
        try cursor.string(into: &result)
        return result
    }

    func string() throws(TokenizerError) -> String {
        String(decoding: try bytes(), as: UTF8.self)
    }

    func integer() throws(TokenizerError) -> Int {
        var cursor = cursor
        return try cursor.integer()
    }

    func bool() throws(TokenizerError) -> Bool {
        guard kind == .bool else { throw .malformed(field: path, expected: "true or false") }
        var cursor = cursor
        return try cursor.bool()
    }
}

extension JSONPlace {
    /// An object's members in the order of the document. What is null counts as missing.
    struct Object: Sendable {
        let path: String
        let members: [(name: String, value: JSONPlace)]

        subscript(_ name: String) -> JSONPlace? {
            members.first { $0.name == name && $0.value.kind != .null }?.value
        }

        func required(_ name: String) throws(TokenizerError) -> JSONPlace {
            guard let value = self[name] else { throw .missing(field: path.isEmpty ? name : path + "." + name) }
            return value
        }

        func string(_ name: String) throws(TokenizerError) -> String? {
            try self[name]?.string()
        }

        func integer(_ name: String) throws(TokenizerError) -> Int? {
            try self[name]?.integer()
        }

        func bool(_ name: String, default fallback: Bool) throws(TokenizerError) -> Bool {
            try self[name]?.bool() ?? fallback
        }
    }
}

/// The scanner of a tokenizer's JSON, whose faults are those of the tokenizer.
///
/// Strings stay bytes: as keys of a `[String: …]` dictionary, "é" composed and decomposed would be one key.
struct JSONCursor {
    private(set) var scanner: JSONScanner

    init(_ scanner: JSONScanner) { self.scanner = scanner }

    /// A cursor at the start of a document of its own.
    init(document: [UInt8]) throws(TokenizerError) {
        scanner = try checked { () throws(JSONFault) in try JSONScanner(document, JSONPlace.rules) }
    }

    func failure(_ reason: JSONFault.Reason) -> TokenizerError { .json(scanner.fault(reason)) }

    /// Walks an object's members; `body` finds the cursor at the value and must leave it behind the value.
    mutating func members(
        _ body: (_ key: [UInt8], inout JSONCursor) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        var key: [UInt8] = []
        try checked { () throws(JSONFault) in try scanner.beginObject() }
        while try checked({ () throws(JSONFault) in try scanner.nextKey(into: &key) }) { try body(key, &self) }
    }

    /// Walks an array's elements; `body` finds the cursor at the element and must leave it behind the element.
    mutating func elements(_ body: (inout JSONCursor) throws(TokenizerError) -> Void) throws(TokenizerError) {
        try checked { () throws(JSONFault) in try scanner.beginArray() }
        while try nextElement() { try body(&self) }
    }

    /// Walks an array of exactly two elements, one after the other.
    mutating func pair(
        _ first: (inout JSONCursor) throws(TokenizerError) -> Void,
        _ second: (inout JSONCursor) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        try checked { () throws(JSONFault) in try scanner.beginArray() }
        guard try nextElement() else { throw failure(.expected("two elements")) }
        try first(&self)
        guard try nextElement() else { throw failure(.expected("two elements")) }
        try second(&self)
        guard try !nextElement() else { throw failure(.expected("two elements")) }
    }

    private mutating func nextElement() throws(TokenizerError) -> Bool {
        try checked { () throws(JSONFault) in try scanner.nextElement() }
    }

    mutating func kind() throws(TokenizerError) -> JSONScanner.Kind {
        try checked { () throws(JSONFault) in try scanner.kind() }
    }

    mutating func skip() throws(TokenizerError) { try checked { () throws(JSONFault) in try scanner.skip() } }

    mutating func end() throws(TokenizerError) { try checked { () throws(JSONFault) in try scanner.end() } }

    mutating func bool() throws(TokenizerError) -> Bool { try checked { () throws(JSONFault) in try scanner.bool() } }

    mutating func integer() throws(TokenizerError) -> Int {
        try checked { () throws(JSONFault) in try scanner.integer() }
    }

    mutating func double() throws(TokenizerError) -> Double {
        try checked { () throws(JSONFault) in try scanner.double() }
    }

    /// Takes a string and puts its bytes, escapes resolved, into `result`, whose former content goes.
    mutating func string(into result: inout [UInt8]) throws(TokenizerError) {
        try checked { () throws(JSONFault) in try scanner.string(into: &result) }
    }
}

@inline(__always)
private func checked<T>(_ read: () throws(JSONFault) -> T) throws(TokenizerError) -> T {
    do throws(JSONFault) { return try read() } catch { throw .json(error) }
}
