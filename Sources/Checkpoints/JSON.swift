// A JSON document as a value.

/// One JSON value.
package enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number written as an integer that fits 64 bits.
    case int(Int)
    /// Any other number; may be NaN or infinite.
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Parses a whole document; throws where it is malformed, nested beyond 64, or repeats a key.
    package init(_ text: [UInt8]) throws(JSONFault) {
        let parsed = text.withUnsafeBytes { bytes in
            Result { () throws(JSONFault) -> JSON in
                var scanner = JSONScanner(bytes)
                let value = try scanner.value()
                try scanner.end()
                return value
            }
        }
        self = try parsed.get()
    }

    /// The kind of the value in words, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let text): "\"\(text.prefix(60))\""
        case .array(let values): "a list of \(values.count)"
        case .object: "an object"
        }
    }
}

extension JSONScanner {
    /// Reads one value of any kind.
    mutating func value() throws(JSONFault) -> JSON {
        switch try peek() {
        case UInt8(ascii: "{"):
            var members: [String: JSON] = [:]
            try object({ $0 }) { scanner, key throws(JSONFault) in
                guard members.updateValue(try scanner.value(), forKey: key) == nil else {
                    throw scanner.fault(.repeatedKey(key))
                }
            }
            return .object(members)
        case UInt8(ascii: "["):
            var values: [JSON] = []
            try array { scanner throws(JSONFault) in values.append(try scanner.value()) }
            return .array(values)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return try constant()
        default: return try number()
        }
    }
}
