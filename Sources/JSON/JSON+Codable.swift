// JSON values inside `Codable` types, whichever coder carries them. Integers keep all 64 bits. A coder that writes 1.0 as
// 1, as Foundation's does, gives back `int(1)`: the same number.

extension JSON: Codable {
    package init(from decoder: any Decoder) throws {
        // Foundation's own bound is 512 levels, which take a thread's stack.
        guard decoder.codingPath.count <= 2 * Rules.strict.depth else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "JSON is nested deeper than \(Rules.strict.depth)"))
        }
        if var list = try? decoder.unkeyedContainer() {
            var values: [JSON] = []
            while !list.isAtEnd { values.append(try list.decode(JSON.self)) }
            self = .array(values)
        } else if let object = try? decoder.container(keyedBy: Key.self) {
            var members: [String: JSON] = [:]
            for key in object.allKeys { members[key.stringValue] = try object.decode(JSON.self, forKey: key) }
            self = .object(members)
        } else {
            try self.init(scalar: decoder.singleValueContainer())
        }
    }

    private init(scalar value: any SingleValueDecodingContainer) throws {
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? value.decode(Int.self) {
            self = .int(number)
        } else if let number = try? value.decode(UInt64.self) {
            self = .unsigned(number)
        } else if let number = try? value.decode(Double.self) {
            self = .double(number)
        } else {
            self = .string(try value.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .array(let values):
            var list = encoder.unkeyedContainer()
            for value in values { try list.encode(value) }
        case .object(let members):
            var object = encoder.container(keyedBy: Key.self)
            for (name, value) in members { try object.encode(value, forKey: Key(stringValue: name)) }
        default:
            var value = encoder.singleValueContainer()
            try encode(into: &value)
        }
    }

    private func encode(into value: inout any SingleValueEncodingContainer) throws {
        switch self {
        case .bool(let flag): try value.encode(flag)
        case .int(let number): try value.encode(number)
        case .unsigned(let number): try value.encode(number)
        case .double(let number) where number.isFinite: try value.encode(number)
        case .string(let text): try value.encode(text)
        case .null, .double, .array, .object: try value.encodeNil()
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }
}
