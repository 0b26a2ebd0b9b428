/// Unicode normalisation forms C and D (UAX #15) of UTF-8 text.
///
/// The standard library has the combining classes but offers no decompositions; those come from `mappings`. Both are
/// cut back to Unicode 9, which the reference knows.
enum CanonicalForm: Sendable {
    case composed, decomposed

    func apply(to text: AlignedText) -> AlignedText {
        let bytes = text.bytes
        // Nothing below U+00C0 decomposes, nothing below U+0300 is changed by composition.
        let firstAffected: UInt8 = self == .composed ? 0xCC : 0xC3
        guard bytes.contains(where: { $0 >= firstAffected }) else { return text }
        let tables = Self.tables
        return text.edited { editor in
            var start = 0
            while start < bytes.count {
                let end = segmentEnd(in: bytes, from: start, tables)
                if let normalized = normalize(bytes, start..<end, tables) {
                    editor.replace(start..<end, with: normalized)
                } else {
                    editor.keep(start..<end)
                }
                start = end
            }
        }
    }

    /// End of the run from `start` that can be normalised on its own: the next scalar neither reorders nor composes.
    private func segmentEnd(in bytes: [UInt8], from start: Int, _ tables: Tables) -> Int {
        var end = start + bytes.scalar(at: start, before: bytes.count).length
        while end < bytes.count {
            let (value, length) = bytes.scalar(at: end, before: bytes.count)
            if value < 0x300 || !tables.attachesToPrevious(value) { break }
            end += length
        }
        return end
    }

    /// The segment's normal form; nil if it is in it already.
    private func normalize(_ bytes: [UInt8], _ range: Range<Int>, _ tables: Tables) -> [UInt8]? {
        if bytes[range.lowerBound] < 0x80, range.count == 1 { return nil }
        var scalars: [UInt32] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            let (value, length) = bytes.scalar(at: offset, before: range.upperBound)
            tables.decompose(value, into: &scalars)
            offset += length
        }
        tables.reorder(&scalars)
        if self == .composed { tables.compose(&scalars) }
        var result: [UInt8] = []
        for value in scalars { result.append(scalar: value) }
        return bytes[range].elementsEqual(result) ? nil : result
    }
}

extension CanonicalForm {
    private static let tables = Tables(mappings)

    /// Decompositions one level deep and the pairs that compose again.
    private struct Tables: Sendable {
        private var decompositions: [UInt32: (first: UInt32, second: UInt32?)] = [:]
        private var compositions: [UInt64: UInt32] = [:]
        private var seconds: Set<UInt32> = []

        init(_ mappings: StaticString) {
            var fields: [UInt32] = []
            var value: UInt32 = 0
            var composes = true
            for byte in mappings.description.utf8 {
                switch byte {
                case UInt8(ascii: "!"): composes = false
                case UInt8(ascii: "_"), UInt8(ascii: ","):
                    fields.append(value)
                    value = 0
                    guard byte == UInt8(ascii: ",") else { continue }
                    add(fields, composes: composes)
                    fields.removeAll(keepingCapacity: true)
                    composes = true
                default: value = value << 4 | UInt32(byte < 0x40 ? byte - 0x30 : byte - 0x37)
                }
            }
        }

        private mutating func add(_ fields: [UInt32], composes: Bool) {
            let second = fields.count > 2 ? fields[2] : nil
            decompositions[fields[0]] = (fields[1], second)
            guard composes, let second else { return }
            compositions[UInt64(fields[1]) << 32 | UInt64(second)] = fields[0]
            seconds.insert(second)
        }

        /// Combining class in Unicode 9; what was assigned later has class 0.
        private func combiningClass(_ value: UInt32) -> UInt8 {
            guard value >= 0x300, let properties = Unicode.Scalar(value)?.properties else { return 0 }
            let combiningClass = properties.canonicalCombiningClass.rawValue
            guard combiningClass != 0, let age = properties.age, age.major <= 9 else { return 0 }
            return combiningClass
        }

        /// Whether a scalar may reorder with or compose onto what stands before it.
        func attachesToPrevious(_ value: UInt32) -> Bool {
            Hangul.isVowelOrTrailing(value) || combiningClass(value) != 0 || seconds.contains(value)
        }

        func decompose(_ value: UInt32, into scalars: inout [UInt32]) {
            if let parts = Hangul.decompose(value) {
                scalars.append(contentsOf: parts)
            } else if let (first, second) = decompositions[value] {
                decompose(first, into: &scalars)
                if let second { decompose(second, into: &scalars) }
            } else {
                scalars.append(value)
            }
        }

        /// Canonical ordering: a stable sort of every run of non-starters by class.
        func reorder(_ scalars: inout [UInt32]) {
            var start = 0
            while start < scalars.count {
                guard combiningClass(scalars[start]) != 0 else {
                    start += 1
                    continue
                }
                let end = scalars[start...].firstIndex { combiningClass($0) == 0 } ?? scalars.count
                let run = scalars[start..<end].enumerated().sorted {
                    (combiningClass($0.element), $0.offset) < (combiningClass($1.element), $1.offset)
                }
                scalars.replaceSubrange(start..<end, with: run.map(\.element))
                start = end
            }
        }

        /// Joins every scalar with the last starter unless something of the same or a higher class stands between.
        func compose(_ scalars: inout [UInt32]) {
            var result: [UInt32] = []
            var starter: Int?
            var lastClass: UInt8 = 0
            for value in scalars {
                let combining = combiningClass(value)
                if let at = starter, result.count - 1 == at || (lastClass != 0 && lastClass < combining),
                    let joined = Hangul.compose(result[at], value)
                        ?? compositions[UInt64(result[at]) << 32 | UInt64(value)]
                {
                    result[at] = joined
                    continue
                }
                if combining == 0 { starter = result.count }
                lastClass = combining
                result.append(value)
            }
            scalars = result
        }
    }
}

/// Hangul syllables by arithmetic (The Unicode Standard, section 3.12).
private enum Hangul {
    private static let syllables: UInt32 = 0xAC00, leading: UInt32 = 0x1100, vowel: UInt32 = 0x1161
    private static let trailing: UInt32 = 0x11A7
    private static let vowels: UInt32 = 21, trailings: UInt32 = 28, leadings: UInt32 = 19

    static func isVowelOrTrailing(_ value: UInt32) -> Bool {
        (vowel..<vowel + vowels).contains(value) || (trailing + 1..<trailing + trailings).contains(value)
    }

    static func decompose(_ value: UInt32) -> [UInt32]? {
        guard (syllables..<syllables + leadings * vowels * trailings).contains(value) else { return nil }
        let index = value - syllables
        let parts = [leading + index / (vowels * trailings), vowel + index % (vowels * trailings) / trailings]
        let tail = index % trailings
        return tail == 0 ? parts : parts + [trailing + tail]
    }

    static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if (leading..<leading + leadings).contains(first), (vowel..<vowel + vowels).contains(second) {
            return syllables + ((first - leading) * vowels + (second - vowel)) * trailings
        }
        guard (syllables..<syllables + leadings * vowels * trailings).contains(first),
            (first - syllables) % trailings == 0, (trailing + 1..<trailing + trailings).contains(second)
        else { return nil }
        return first + (second - trailing)
    }
}
