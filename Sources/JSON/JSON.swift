/// One JSON value.
///
/// Reading (`init`), writing (`text`) and comparing agree: what is written reads as the same value, a number that is not
/// finite excepted. Keys that Swift calls equal, as "é" composed and decomposed, are one key.
package enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number written as an integer, where it fits.
    case int(Int)
    /// A number written as an integer above `Int.max`.
    case unsigned(UInt64)
    /// Any other number; not finite only where the rules allow it.
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Reads a whole document. Throws where it is malformed, repeats a key or exceeds the limits of `rules`.
    package init(_ text: [UInt8], _ rules: Rules = .strict) throws(JSONFault) {
        var scanner = try JSONScanner(text, rules)
        self = try scanner.value()
        try scanner.end()
    }

    /// The member of that name; nil where there is none, and where this is not an object.
    package subscript(_ key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }
}

extension JSON {
    /// What a document may hold, and how much of it.
    package struct Rules: Sendable, Equatable {
        /// Most bytes of a document.
        package var size: Int
        /// Deepest nesting of objects and lists.
        package var depth: Int
        /// Most values, when a document is read as a value.
        package var values: Int
        /// NaN and ±Infinity are numbers, and one that is too large is infinite, as Python's `json` has it.
        package var allowsNonFinite: Bool
        /// A byte order mark before the document is passed over (RFC 8259, section 8.1, leaves it to the reader).
        package var skipsByteOrderMark: Bool

        package init(
            size: Int = 64 << 20, depth: Int = 64, values: Int = 1 << 20, allowsNonFinite: Bool = false,
            skipsByteOrderMark: Bool = false
        ) {
            self.size = size
            self.depth = depth
            self.values = values
            self.allowsNonFinite = allowsNonFinite
            self.skipsByteOrderMark = skipsByteOrderMark
        }

        /// RFC 8259, for what programs send each other.
        package static let strict = Rules()
        /// Files as Python's `json` writes them and editors save them.
        package static let python = Rules(allowsNonFinite: true, skipsByteOrderMark: true)
    }
}

// MARK: - Typed readers

extension JSON {
    package var isNull: Bool { self == .null }

    package var asBool: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    /// A number that is exactly an `Int`, also one written as 512.0.
    package var asInt: Int? {
        switch self {
        case .int(let number): number
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    /// A number that is exactly a `UInt64`.
    package var asUInt64: UInt64? {
        switch self {
        case .int(let number): UInt64(exactly: number)
        case .unsigned(let number): number
        case .double(let number): UInt64(exactly: number)
        default: nil
        }
    }

    /// Any number, rounded to the nearest double.
    package var asDouble: Double? {
        switch self {
        case .int(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    package var asString: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    package var asArray: [JSON]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    package var asObject: [String: JSON]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// The value in at most a few words, for messages.
    package var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let text): "\"\(excerpt(text))\""
        case .array(let values): "a list of \(values.count)"
        case .object: "an object"
        }
    }
}
