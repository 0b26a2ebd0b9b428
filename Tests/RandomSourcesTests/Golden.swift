import Foundation
import Testing

/// Goldens/random.json, see make_goldens.py.
struct Golden: Decodable {
    struct Draw: Decodable {
        let count: Int
        let digest: String
        let first, last: [UInt32]
    }

    struct Stream: Decodable {
        let seed: String
        let draws: [Draw]
    }

    struct Tree: Decodable {
        struct Query: Decodable {
            let from, to: UInt32
            let noise: Draw
        }

        let seed: String
        let low, high: UInt32
        let queries: [Query]
    }

    let single, sequences, philox: [Stream]
    let trees: [Tree]

    static func load() throws -> Golden {
        let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Goldens")
        let data = try Data(contentsOf: folder.appendingPathComponent("random.json"))
        return try JSONDecoder().decode(Golden.self, from: data)
    }
}

extension Golden.Draw {
    /// Whether the values have the same bits, and where they first differ.
    func matches(_ values: [Float]) -> Bool {
        values.count == count && first == values.prefix(4).map(\.bitPattern)
            && last == values.suffix(4).map(\.bitPattern) && digest == Self.digest(values)
    }

    /// FNV-1a, 64 bits, over the little-endian bytes.
    private static func digest(_ values: [Float]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for value in values {
            for shift in stride(from: 0, to: 32, by: 8) {
                hash = (hash ^ UInt64(value.bitPattern >> UInt32(shift) & 0xff)) &* 0x100_0000_01b3
            }
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
