import JSON

/// SplitMix64, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

extension JSON {
    /// A value of any kind, at most `depth` levels deep.
    static func random(depth: Int, using random: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(Int(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random)))
        case 3: return .unsigned(random.next() | 1 << 63)
        case 4:
            // Every pattern of bits that is a number, subnormal ones and -0 among them.
            let number = Double(bitPattern: random.next())
            return .double(number.isFinite ? number : -0.0)
        case 5: return .string(text(using: &random))
        case 6, 7:
            let count = Int.random(in: 0..<5, using: &random)
            return .array((0..<count).map { _ in Self.random(depth: depth - 1, using: &random) })
        default:
            var members: [String: JSON] = [:]
            for _ in 0..<Int.random(in: 0..<5, using: &random) {
                members[text(using: &random)] = Self.random(depth: depth - 1, using: &random)
            }
            return .object(members)
        }
    }

    /// Scalars that need escaping, of every length in UTF-8, and marks that combine.
    private static func text(using random: inout SeededGenerator) -> String {
        let scalars: [ClosedRange<UInt32>] = [
            0...0x1F, 0x20...0x7F, 0x22...0x22, 0x5C...0x5C, 0x80...0x7FF, 0x300...0x36F, 0x800...0xD7FF,
            0xE000...0xFFFF, 0x1_0000...0x10_FFFF,
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let range = scalars[Int.random(in: 0..<scalars.count, using: &random)]
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.append(scalar) }
        }
        return String(text)
    }
}

/// A document with a few bytes changed, lost, doubled or cut off.
func mutated(_ document: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    let telling = Array(#"{}[]",:\u0d89eE+-.ntf/ "#.utf8) + [0x00, 0x1F, 0x80, 0xC0, 0xED, 0xF4, 0xFF]
    var document = document
    for _ in 0..<Int.random(in: 1...3, using: &random) where !document.isEmpty {
        let place = Int.random(in: 0..<document.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: document[place] = UInt8.random(in: 0...255, using: &random)
        case 1: document[place] = telling[Int.random(in: 0..<telling.count, using: &random)]
        case 2: document.insert(telling[Int.random(in: 0..<telling.count, using: &random)], at: place)
        case 3: document.remove(at: place)
        case 4: document.removeLast(document.count - place)
        default: document.insert(contentsOf: document[place..<min(place + 8, document.count)], at: place)
        }
    }
    return document
}
