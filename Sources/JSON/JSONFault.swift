/// Where and why a text is not the JSON that was asked for.
package struct JSONFault: Error, Equatable, Sendable {
    /// Byte of the document, from 0.
    package let offset: Int
    package let reason: Reason

    package enum Reason: Equatable, Sendable {
        case unexpectedEnd, invalidUTF8, invalidString, loneSurrogate, invalidNumber, notFinite, trailingBytes
        case tooDeep(limit: Int)
        case tooManyValues(limit: Int)
        case tooLarge(size: Int, limit: Int)
        case unexpected(UInt8)
        case expected(String)
        case repeatedKey(String)
    }

    package init(offset: Int, reason: Reason) {
        self.offset = offset
        self.reason = reason
    }
}

extension JSONFault: CustomStringConvertible {
    package var description: String { "invalid JSON at byte \(offset): \(reason)" }
}

extension JSONFault.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unexpectedEnd: "the text ends too early"
        case .invalidUTF8: "the text is not UTF-8"
        case .invalidString: "a string has a bad escape or a control character"
        case .loneSurrogate: "a \\u escape is half of a surrogate pair"
        case .invalidNumber: "a number is malformed or too large"
        case .notFinite: "NaN and infinite numbers are not accepted"
        case .trailingBytes: "there are bytes after the end"
        case .tooDeep(let limit): "values are nested deeper than \(limit)"
        case .tooManyValues(let limit): "there are more than \(limit) values"
        case .tooLarge(let size, let limit): "the text has \(size) bytes, the limit is \(limit)"
        case .unexpected(let byte): "unexpected \(Self.name(byte))"
        case .expected(let wanted): "expected \(wanted)"
        case .repeatedKey(let key): "the key \"\(excerpt(key))\" occurs twice"
        }
    }

    private static func name(_ byte: UInt8) -> String {
        (0x21..<0x7F).contains(byte) ? "'\(Unicode.Scalar(byte))'" : "byte 0x\(String(byte, radix: 16))"
    }
}

/// The first 60 scalars of a text from a file, for messages; a prefix of characters could be of any length.
package func excerpt(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(61)
    return scalars.count <= 60 ? text : String(String.UnicodeScalarView(scalars.prefix(60))) + "…"
}
