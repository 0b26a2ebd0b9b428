import Testing
import Tokenizers

/// Scalars, not grapheme clusters; bytes, not equivalence.
struct TextTests {
    @Test func `canonically equivalent tokens are two tokens`() throws {
        let json = #"{"model": {"vocab": {"\u00e9": 0, "e\u0301": 1, "e": 2, "\u0301": 3}, "merges": ["e \u0301"]}}"#
        let tokenizer = try Tokenizer(json: Array(json.utf8))
        #expect(tokenizer.encode("\u{E9}") == [0])
        #expect(tokenizer.encode("e\u{301}") == [1])
        #expect(tokenizer.id(of: "\u{E9}") == 0 && tokenizer.id(of: "e\u{301}") == 1)
        #expect(tokenizer.decode([1]).utf8.elementsEqual("e\u{301}".utf8))
    }

    @Test(arguments: [
        "gpt2", "smollm", "qwen2", "llama3", "added", "llama2", "llama2-metaspace", "gemma", "t5", "t5-converted",
        "unigram-bytes",
    ])
    func `random scalars never trap and ids stay in range`(name: String) throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes(name + ".json"))
        var random = SplitMix(seed: 77)
        for _ in 0..<400 {
            // Any bytes, repaired; any scalars, planes above the first included.
            let bytes = (0..<24).map { _ in UInt8.random(in: 0...255, using: &random) }
            let scalars = (0..<12).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &random)) }
            for text in [String(decoding: bytes, as: UTF8.self), String(String.UnicodeScalarView(scalars))] {
                let ids = tokenizer.encode(text)
                #expect(ids.allSatisfy { (0..<tokenizer.vocabularySize).contains($0) })
                _ = tokenizer.decode(ids)
            }
        }
    }

    @Test(arguments: ["gpt2", "qwen2", "llama2", "gemma", "t5", "added"])
    func `origins rise within the text and the ids are those of encode`(name: String) throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes(name + ".json"))
        let corpus = try Goldens.corpus.get()
        for text in corpus.curated + corpus.lines.prefix(300) {
            let encoding = tokenizer.encodeWithOrigins(text)
            #expect(encoding.ids == tokenizer.encode(text, addingSpecialTokens: false))
            #expect(encoding.origins.allSatisfy { (0..<max(text.utf8.count, 1)).contains($0) })
            #expect(zip(encoding.origins, encoding.origins.dropFirst()).allSatisfy { $0 <= $1 })
        }
    }

    @Test func `special tokens in literal text stay text`() throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes("smollm.json"))
        let end = try #require(tokenizer.id(of: "<|im_end|>"))
        let text = "<|im_end|>a<|im_end|>"
        #expect(tokenizer.encode(text).filter { $0 == end }.count == 2)
        let ids = tokenizer.encode(text, specialTokens: .literal(in: [11..<21]))
        #expect(ids.first == end && ids.filter { $0 == end }.count == 1)
        #expect(tokenizer.decode(ids) == text)
        #expect(!tokenizer.encode(text, specialTokens: .literal(in: [0..<21])).contains(end))
    }

    @Test func `roles come from the configuration`() throws {
        let config = #"{"bos_token": null, "eos_token": {"content": "<|im_end|>"}, "pad_token": "<|endoftext|>"}"#
        let tokenizer = try Tokenizer(json: Goldens.bytes("smollm.json"), config: Array(config.utf8))
        #expect(tokenizer.roles == Tokenizer.Roles(end: 2, padding: 0))
    }
}
