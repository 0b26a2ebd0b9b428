import Foundation
import JSON
import Testing

@Suite struct JSONCodableTests {
    private struct Message: Codable, Equatable {
        var kind: String
        var parameters: JSON
    }

    @Test func `generated values pass through Foundation's coders`() throws {
        var random = SeededGenerator(4)
        for _ in 0..<500 {
            let message = Message(kind: "generate", parameters: .random(depth: 4, using: &random))
            let data = try JSONEncoder().encode(message)
            let decoded = try JSONDecoder().decode(Message.self, from: data)
            #expect(decoded.parameters.isSameNumbers(as: message.parameters))
            #expect(try JSON([UInt8](data))["parameters"]?.isSameNumbers(as: message.parameters) == true)
        }
    }

    @Test(
        arguments: [
            .int(.min), .int(.max), .int(1 << 53 + 1), .unsigned(1 << 63), .unsigned(.max), .bool(true), .int(1),
        ] as [JSON])
    func `integers keep 64 bits and kinds stay apart`(_ value: JSON) throws {
        #expect(try JSONDecoder().decode([JSON].self, from: JSONEncoder().encode([value])) == [value])
    }

    @Test func `a number that is not finite is written as null`() throws {
        #expect(try JSONEncoder().encode([JSON.double(.nan), .double(.infinity)]) == Data("[null,null]".utf8))
    }

    @Test func `nesting has a limit there too`() throws {
        let deep = Data((String(repeating: "[", count: 200) + String(repeating: "]", count: 200)).utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(JSON.self, from: deep) }
    }
}

extension JSON {
    /// Equality, but for integers that Foundation writes a double as.
    fileprivate func isSameNumbers(as other: JSON) -> Bool {
        switch (self, other) {
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSameNumbers(as: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count && left.allSatisfy { key, value in right[key].map(value.isSameNumbers) ?? false }
        case (.double, _), (_, .double): asDouble == other.asDouble
        default: self == other
        }
    }
}
