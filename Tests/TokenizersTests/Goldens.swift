import Foundation
import Tokenizers

/// The files that make_goldens.py wrote.
enum Goldens {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens")

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }

    static let corpus: Result<Corpus, any Error> = Result { try decode(Corpus.self, "corpus.json") }

    /// The texts compared, short ones id by id, the others by a hash of their ids.
    struct Corpus: Decodable, Sendable {
        var curated: [String]
        var lines: [String]
        var long: [Repeated]

        struct Repeated: Decodable, Sendable {
            var text: String

            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                let unit = try values.decode(String.self)
                text = String(repeating: unit, count: try values.decode(Int.self))
            }
        }
    }

    /// What the reference makes of the corpus.
    struct Expected: Decodable {
        var ids: [[Int]]
        var decoded: [String]?
        var hashes: [UInt32]
        var long: [UInt32]
    }

    /// FNV-1a over the ids as little-endian 32-bit words, folded to 32 bits.
    static func hash(_ ids: [Int]) -> UInt32 {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for id in ids {
            for shift in [0, 8, 16, 24] { state = (state ^ UInt64(id >> shift & 0xFF)) &* 0x100_0000_01B3 }
        }
        return UInt32(truncatingIfNeeded: state >> 32) ^ UInt32(truncatingIfNeeded: state)
    }

    /// A GGUF vocabulary as make_goldens.py writes it.
    struct GGUF: Decodable {
        var model: String
        var pre: String?
        var tokens: [String]
        var scores: [Float]?
        var types: [Int32]?
        var merges: [String]?
        var bos, eos, unk, pad: Int?
        var add_bos, remove_extra_whitespaces: Bool?
        var charsmap: Data?

        var vocabulary: GGUFVocabulary {
            var vocabulary = GGUFVocabulary(model: model, tokens: tokens)
            vocabulary.preTokenizer = pre
            vocabulary.scores = scores ?? []
            vocabulary.types = types ?? []
            vocabulary.merges = merges ?? []
            vocabulary.roles = Tokenizer.Roles(start: bos, end: eos, padding: pad, unknown: unk)
            vocabulary.addsStart = add_bos
            vocabulary.removesExtraWhitespace = remove_extra_whitespaces
            vocabulary.charsmap = charsmap.map { [UInt8]($0) } ?? []
            return vocabulary
        }
    }

    static func gguf(_ name: String) throws -> GGUFVocabulary {
        try decode(GGUF.self, name + ".gguf.json").vocabulary
    }
}
