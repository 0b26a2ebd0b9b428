/// GPT-2's way to write any byte as a printable character, so that a vocabulary of bytes fits a text file.
///
/// Printable bytes of Latin-1 stand for themselves; the other 68 are U+0100, U+0101, … in order.
enum ByteAlphabet {
    private static let scalars: [UInt32] = {
        var spare: UInt32 = 0x100
        return (UInt32(0)...255).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
            default:
                defer { spare += 1 }
                return spare
            }
        }
    }()

    /// By scalar value the byte it stands for; -1 for the 68 that stand for none.
    private static let bytes: [Int16] = {
        var table = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = Int16(byte) }
        return table
    }()

    /// The UTF-8 form of the character that stands for a byte.
    static func spelling(of byte: UInt8) -> [UInt8] {
        var result: [UInt8] = []
        result.append(scalar: scalars[Int(byte)])
        return result
    }

    /// Puts the spelling of all bytes into `result`, whose former content goes.
    static func spell(_ text: some Sequence<UInt8>, into result: inout [UInt8]) {
        result.removeAll(keepingCapacity: true)
        for byte in text {
            let scalar = scalars[Int(byte)]
            if scalar < 0x80 {
                result.append(UInt8(scalar))
            } else {
                result.append(UInt8(0xC0 | scalar >> 6))
                result.append(UInt8(0x80 | scalar & 0x3F))
            }
        }
    }

    /// Appends the bytes that a token's characters stand for; false, and nothing appended, if one stands for none.
    static func read(_ token: ArraySlice<UInt8>, into result: inout [UInt8]) -> Bool {
        let before = result.count
        var offset = token.startIndex
        while offset < token.endIndex {
            let first = token[offset]
            var value = Int(first)
            if first >= 0x80 {
                guard first & 0xE0 == 0xC0, offset + 1 < token.endIndex else {
                    result.removeLast(result.count - before)
                    return false
                }
                value = Int(first & 0x1F) << 6 | Int(token[offset + 1] & 0x3F)
                offset += 1
            }
            offset += 1
            guard value < bytes.count, bytes[value] >= 0 else {
                result.removeLast(result.count - before)
                return false
            }
            result.append(UInt8(truncatingIfNeeded: bytes[value]))
        }
        return true
    }
}
