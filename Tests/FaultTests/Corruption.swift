// Seeded damage to small valid files.

/// SplitMix64 (Steele, Lea and Flood 2014): the same damage on every machine.
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

/// A proper prefix of `file`.
func truncated(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    Array(file.prefix(Int.random(in: 0..<file.count, using: &random)))
}

/// `file` with one to eight bytes within `range` changed, removed, doubled or overwritten by extreme numbers.
func corrupted(_ file: [UInt8], in range: Range<Int>, _ random: inout SeededGenerator) -> [UInt8] {
    var file = file
    for _ in 0..<Int.random(in: 1...8, using: &random) {
        let place = Int.random(in: range, using: &random)
        guard place < file.count else { continue }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: file[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: file[place] = UInt8.random(in: 0...255, using: &random)
        case 2: file.remove(at: place)
        case 3: file.insert(file[place], at: place)
        case 4:
            let extremes: [UInt8] = [0x00, 0x7F, 0x80, 0xFF]
            let value = extremes[Int.random(in: 0..<4, using: &random)]
            for index in place..<min(place + 8, file.count) { file[index] = value }
        default:
            let other = Int.random(in: range, using: &random)
            if other < file.count { file.swapAt(place, other) }
        }
    }
    return file
}

/// `file` with one bit within `range` changed.
func flipped(_ file: [UInt8], in range: Range<Int>, _ random: inout SeededGenerator) -> [UInt8] {
    var file = file
    file[Int.random(in: range, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    return file
}

/// Where `text` first stands in `file`.
func place(_ text: String, _ file: [UInt8]) -> Int {
    guard let place = file.indices.first(where: { file[$0...].starts(with: text.utf8) }) else {
        preconditionFailure("the file has no \(text)")
    }
    return place
}

func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
