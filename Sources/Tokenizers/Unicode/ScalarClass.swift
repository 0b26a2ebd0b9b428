/// What a pre-tokeniser's pattern asks about a scalar: `\p{L}`, `\p{N}`, `\s`, or none of these.
enum ScalarClass: UInt8, Sendable {
    case letter, number, whitespace, other

    /// Class of a scalar value; values that are no scalar are `other`.
    ///
    /// Letters and numbers are those of Unicode 16, which the reference's pattern engine knows. Scalars assigned
    /// later stay `other`, so that a newer standard library never changes the ids of a text.
    init(_ value: UInt32) {
        if value < 0x80 {
            self = Self.ofASCII(value)
        } else {
            self = value < 0x1_0000 ? Self.basicPlane[Int(value)] : Self.fromProperties(value)
        }
    }

    private static func ofASCII(_ value: UInt32) -> Self {
        switch value {
        case 0x61...0x7A, 0x41...0x5A: .letter
        case 0x30...0x39: .number
        case 0x20, 0x09...0x0D: .whitespace
        default: .other
        }
    }

    /// One class for every value below U+10000: looking a property up costs ten times as much as an array element.
    private static let basicPlane: [Self] = (0..<0x1_0000).map(fromProperties)

    private static func fromProperties(_ value: UInt32) -> Self {
        guard let properties = Unicode.Scalar(value)?.properties else { return .other }
        if properties.isWhitespace { return .whitespace }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return isKnown(properties) ? .letter : .other
        case .decimalNumber, .letterNumber, .otherNumber:
            return isKnown(properties) ? .number : .other
        default:
            return .other
        }
    }

    private static func isKnown(_ properties: Unicode.Scalar.Properties) -> Bool {
        guard let age = properties.age else { return false }
        return age.major <= 16
    }
}
