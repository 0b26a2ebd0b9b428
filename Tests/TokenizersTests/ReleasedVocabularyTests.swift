import Foundation
import Testing
import Tokenizers

/// CLIP's and SmolLM2's own vocabularies, which are too large for the repository.
struct ReleasedVocabularyTests {
    private static let clip = ProcessInfo.processInfo.environment["LAZULI_CLIP_TOKENIZER"]
    private static let smollm2 = ProcessInfo.processInfo.environment["LAZULI_SMOLLM2_GGUF"]

    @Test(
        .enabled(if: clip != nil, "set LAZULI_CLIP_TOKENIZER to a folder with CLIP's vocab.json and merges.txt"))
    func `CLIP's vocabulary gives the ids of transformers`() throws {
        let folder = URL(filePath: try #require(Self.clip), directoryHint: .isDirectory)
        func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: name))) }
        let tokenizer = try CLIPTokenizer(vocabulary: bytes("vocab.json"), merges: bytes("merges.txt"))
        #expect(tokenizer.start == 49406 && tokenizer.end == 49407)
        try compare(tokenizer.tokenizer, with: "released/clip.ids.json")
    }

    @Test(.enabled(if: smollm2 != nil, "set LAZULI_SMOLLM2_GGUF to SmolLM2-135M-Instruct.Q4_1.gguf"))
    func `SmolLM2's vocabulary gives the ids of tokenizers`() throws {
        let file = URL(filePath: try #require(Self.smollm2))
        var metadata = GGUFMetadata(try Data(contentsOf: file, options: .alwaysMapped))
        try compare(Tokenizer(metadata.readVocabulary()), with: "released/smollm2.ids.json")
    }

    private func compare(_ tokenizer: Tokenizer, with name: String) throws {
        let corpus = try Goldens.corpus.get()
        let expected = try Goldens.decode(Goldens.Expected.self, name)
        for (text, ids) in zip(corpus.curated, expected.ids) {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
        }
        for (text, hash) in zip(corpus.lines, expected.hashes) {
            #expect(Goldens.hash(tokenizer.encode(text)) == hash, "\(text.debugDescription)")
        }
        for (text, hash) in zip(corpus.long, expected.long) {
            #expect(Goldens.hash(tokenizer.encode(text.text)) == hash, "\(text.text.prefix(20).debugDescription)…")
        }
    }
}

/// As much of GGUF as it takes to get at a vocabulary in a test; the program's reader is elsewhere.
private struct GGUFMetadata {
    private let file: Data
    private var offset = 0

    init(_ file: Data) { self.file = file }

    mutating func readVocabulary() throws -> GGUFVocabulary {
        offset = 16
        var vocabulary = GGUFVocabulary(model: "", tokens: [])
        for _ in 0..<number(UInt64.self) {
            let key = string()
            let type = number(UInt32.self)
            switch key {
            case "tokenizer.ggml.model": vocabulary.model = string()
            case "tokenizer.ggml.pre": vocabulary.preTokenizer = string()
            case "tokenizer.ggml.tokens": vocabulary.tokens = array { $0.string() }
            case "tokenizer.ggml.merges": vocabulary.merges = array { $0.string() }
            case "tokenizer.ggml.token_type": vocabulary.types = array { $0.number(Int32.self) }
            case "tokenizer.ggml.bos_token_id": vocabulary.roles.start = Int(number(UInt32.self))
            case "tokenizer.ggml.eos_token_id": vocabulary.roles.end = Int(number(UInt32.self))
            case "tokenizer.ggml.add_bos_token": vocabulary.addsStart = number(UInt8.self) != 0
            default: skip(type)
            }
        }
        return vocabulary
    }

    private mutating func number<Value: FixedWidthInteger>(_ type: Value.Type) -> Value {
        let size = Value.bitWidth / 8
        defer { offset += size }
        return file[offset..<offset + size].enumerated().reduce(0) {
            $0 | Value(truncatingIfNeeded: $1.element) << ($1.offset * 8)
        }
    }

    private mutating func string() -> String {
        let count = Int(number(UInt64.self))
        defer { offset += count }
        return String(decoding: file[offset..<offset + count], as: UTF8.self)
    }

    private mutating func array<Value>(_ read: (inout Self) -> Value) -> [Value] {
        offset += 4
        let count = Int(number(UInt64.self))
        return (0..<count).map { _ in read(&self) }
    }

    private mutating func skip(_ type: UInt32) {
        switch type {
        case 0, 1, 7: offset += 1
        case 2, 3: offset += 2
        case 10, 11, 12: offset += 8
        case 8: _ = string()
        case 9:
            let element = number(UInt32.self)
            for _ in 0..<number(UInt64.self) { skip(element) }
        default: offset += 4
        }
    }
}
