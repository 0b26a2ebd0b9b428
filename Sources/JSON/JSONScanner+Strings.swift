// Strings of a JSON document.

extension JSONScanner {
    /// Reads a string.
    package mutating func string() throws(JSONFault) -> String {
        try take(UInt8(ascii: "\""), "a string")
        let start = offset
        skipPlain()
        if current == UInt8(ascii: "\"") {
            defer { offset += 1 }
            return String(decoding: document[start..<offset], as: UTF8.self)
        }
        offset = start
        var bytes: [UInt8] = []
        try walkString {
            bytes.append(contentsOf: $0)
        } escape: {
            bytes.append(contentsOf: $0.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads a string and puts its bytes, escapes resolved, into `result`, whose former content goes.
    package mutating func string(into result: inout [UInt8]) throws(JSONFault) {
        result.removeAll(keepingCapacity: true)
        try take(UInt8(ascii: "\""), "a string")
        try walkString {
            result.append(contentsOf: $0)
        } escape: {
            result.append(contentsOf: $0.utf8)
        }
    }

    mutating func skipString() throws(JSONFault) {
        try take(UInt8(ascii: "\""), "a string")
        try walkString { _ in
        } escape: { _ in
        }
    }

    /// Moves to the next quotation mark, backslash or control character, or to the end.
    @inline(__always)
    private mutating func skipPlain() {
        while offset < document.count {
            let byte = document[offset]
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { return }
            offset += 1
        }
    }

    /// Walks a string from behind its opening to behind its closing quotation mark.
    @inline(__always)
    private mutating func walkString(
        plain: (ArraySlice<UInt8>) -> Void, escape: (Unicode.Scalar) -> Void
    ) throws(JSONFault) {
        while true {
            let start = offset
            skipPlain()
            if offset > start { plain(document[start..<offset]) }
            switch current {
            case UInt8(ascii: "\""):
                offset += 1
                return
            case UInt8(ascii: "\\"): escape(try escapedScalar())
            case nil: throw fault(.unexpectedEnd)
            default: throw fault(.invalidString)
            }
        }
    }

    private mutating func escapedScalar() throws(JSONFault) -> Unicode.Scalar {
        let start = offset
        offset += 1
        guard let kind = current else { throw fault(.unexpectedEnd) }
        offset += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let lone = JSONFault(offset: start, reason: .loneSurrogate)
            let high = try hexadecimal()
            if let scalar = Unicode.Scalar(high) { return scalar }
            guard high < 0xDC00, takes(word: "\\u") else { throw lone }
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x1_0000 + (high - 0xD800) << 10 + (low - 0xDC00))
            else { throw lone }
            return scalar
        default: throw JSONFault(offset: start, reason: .invalidString)
        }
    }

    private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch current {
            case let digit? where (0x30...0x39).contains(digit): value = value << 4 | UInt32(digit - 0x30)
            case let digit? where (0x41...0x46).contains(digit & 0xDF):
                value = value << 4 | UInt32((digit & 0xDF) - 0x37)
            case nil: throw fault(.unexpectedEnd)
            default: throw fault(.invalidString)
            }
            offset += 1
        }
        return value
    }
}
