/// A value of a JSON document, kept as its place there and read when asked.
///
/// A tokenizer is a few small objects around a vocabulary of megabytes, so nothing is built that nobody looks at.
struct JSON: Sendable {
    private let document: [UInt8]
    private let offset: Int
    /// Path from the document's root, for messages.
    let path: String

    /// The object that a document is; the whole syntax is checked.
    static func root(_ document: [UInt8]) throws(TokenizerError) -> Object {
        let (object, cursor) = try JSON(document: document, offset: 0, path: "").walkObject()
        var rest = cursor
        guard rest.peek() == nil else { throw rest.failure("the end of the document") }
        return object
    }

    private init(document: [UInt8], offset: Int, path: String) {
        self.document = document
        self.offset = offset
        self.path = path
    }

    /// A cursor that stands at this value.
    var cursor: JSONCursor { JSONCursor(document, at: offset) }

    private var firstByte: UInt8? {
        var cursor = cursor
        return cursor.peek()
    }

    var isNull: Bool { firstByte == UInt8(ascii: "n") }
    var isObject: Bool { firstByte == UInt8(ascii: "{") }
    var isArray: Bool { firstByte == UInt8(ascii: "[") }
    var isString: Bool { firstByte == UInt8(ascii: "\"") }

    func object() throws(TokenizerError) -> Object {
        try walkObject().object
    }

    /// The object, and a cursor that stands behind it.
    private func walkObject() throws(TokenizerError) -> (object: Object, end: JSONCursor) {
        guard isObject else { throw .malformed(field: path, expected: "an object") }
        var members: [(name: String, value: JSON)] = []
        var cursor = cursor
        try cursor.members { (key, cursor) throws(TokenizerError) in
            let name = String(decoding: key, as: UTF8.self)
            let path = path.isEmpty ? name : path + "." + name
            members.append((name, JSON(document: document, offset: cursor.offset, path: path)))
            try cursor.skip()
        }
        return (Object(path: path, members: members), cursor)
    }

    func array() throws(TokenizerError) -> [JSON] {
        guard isArray else { throw .malformed(field: path, expected: "an array") }
        var result: [JSON] = []
        var cursor = cursor
        try cursor.elements { (cursor) throws(TokenizerError) in
            result.append(JSON(document: document, offset: cursor.offset, path: path + ".\(result.count)"))
            try cursor.skip()
        }
        return result
    }

    func bytes() throws(TokenizerError) -> [UInt8] {
        guard isString else { throw .malformed(field: path, expected: "a string") }
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
        switch firstByte {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw .malformed(field: path, expected: "true or false")
        }
    }
}

extension JSON {
    /// An object's members in the order of the document. What is null counts as missing.
    struct Object: Sendable {
        let path: String
        let members: [(name: String, value: JSON)]

        /// The member of that name, the last if there are several.
        subscript(_ name: String) -> JSON? {
            members.last { $0.name == name && !$0.value.isNull }?.value
        }

        func required(_ name: String) throws(TokenizerError) -> JSON {
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
