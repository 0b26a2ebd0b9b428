// JSON values as text.

extension JSON {
    /// The value as UTF-8. Members are sorted by key, so that equal values are equal bytes; doubles are as short as they
    /// can be and still read as the same number; a number that is not finite, which JSON cannot say, is `null`.
    /// `pretty`: one value a line, indented by two spaces.
    package func text(pretty: Bool = false) -> [UInt8] {
        var writer = Writer(isPretty: pretty)
        writer.write(self)
        return writer.bytes
    }
}

private struct Writer {
    let isPretty: Bool
    var bytes: [UInt8] = []
    private var depth = 0

    init(isPretty: Bool) { self.isPretty = isPretty }

    mutating func write(_ value: JSON) {
        switch value {
        case .null: put("null")
        case .bool(let flag): put(flag ? "true" : "false")
        case .int(let number): put(String(number))
        case .unsigned(let number): put(String(number))
        case .double(let number): put(number.isFinite ? number.description : "null")
        case .string(let text): write(text)
        case .array(let values):
            list("[", "]", values) { writer, value in writer.write(value) }
        case .object(let members):
            list("{", "}", members.sorted { $0.key < $1.key }) { writer, member in
                writer.write(member.key)
                writer.put(writer.isPretty ? ": " : ":")
                writer.write(member.value)
            }
        }
    }

    private mutating func list<T>(
        _ opening: String, _ closing: String, _ elements: [T], _ write: (inout Writer, T) -> Void
    ) {
        put(opening)
        depth += 1
        for (index, element) in elements.enumerated() {
            if index > 0 { put(",") }
            breakLine()
            write(&self, element)
        }
        depth -= 1
        if !elements.isEmpty { breakLine() }
        put(closing)
    }

    private mutating func breakLine() {
        guard isPretty else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: 2 * depth))
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func write(_ text: String) {
        put("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): put("\\\"")
            case UInt8(ascii: "\\"): put("\\\\")
            case 0x08: put("\\b")
            case 0x09: put("\\t")
            case 0x0A: put("\\n")
            case 0x0C: put("\\f")
            case 0x0D: put("\\r")
            case 0..<0x10: put("\\u000\(String(byte, radix: 16))")
            case 0x10..<0x20: put("\\u00\(String(byte, radix: 16))")
            default: bytes.append(byte)
            }
        }
        put("\"")
    }
}
