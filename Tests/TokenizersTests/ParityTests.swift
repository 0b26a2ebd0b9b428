import Testing
import Tokenizers

/// Ids equal to those of the reference libraries on the whole corpus.
struct ParityTests {
    @Test(arguments: [
        "gpt2", "smollm", "qwen2", "llama3", "added", "llama2", "llama2-metaspace", "gemma", "t5", "t5-converted",
        "unigram-bytes",
    ])
    func `tokenizer json gives the ids of tokenizers`(name: String) throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes(name + ".json"))
        try compare(name, with: Goldens.decode(Goldens.Expected.self, name + ".ids.json")) { tokenizer.encode($0) }
    }

    @Test(arguments: ["gpt2", "smollm", "qwen2", "llama3"])
    func `a byte-level GGUF vocabulary gives the same ids as its tokenizer json`(name: String) throws {
        let tokenizer = try Tokenizer(Goldens.gguf(name))
        try compare(name, with: Goldens.decode(Goldens.Expected.self, name + ".ids.json")) { tokenizer.encode($0) }
    }

    @Test(arguments: ["spm-bpe", "spm-unigram"])
    func `a SentencePiece GGUF vocabulary gives the ids of sentencepiece`(name: String) throws {
        var vocabulary = try Goldens.gguf(name)
        // The library takes no special token from text, so neither does this comparison.
        vocabulary.types = vocabulary.types.map { $0 == 2 || $0 == 3 ? 5 : $0 }
        let tokenizer = try Tokenizer(vocabulary)
        try compare(name, with: Goldens.decode(Goldens.Expected.self, name + ".gguf.ids.json")) {
            tokenizer.encode($0)
        }
    }

    @Test(arguments: ["clip", "clip-sd1", "clip-sd2", "clip-sdxl2"])
    func `CLIP folders give the ids of transformers`(name: String) throws {
        let folder = name == "clip" ? "clip/" : "clip/\(name)/"
        let tokenizer = try CLIPTokenizer(
            vocabulary: Goldens.bytes("clip/vocab.json"), merges: Goldens.bytes("clip/merges.txt"),
            config: name == "clip" ? nil : Goldens.bytes(folder + "tokenizer_config.json"),
            specialTokensMap: name == "clip" ? nil : Goldens.bytes(folder + "special_tokens_map.json"))
        try compare(name, with: Goldens.decode(Goldens.Expected.self, "\(folder)\(name).ids.json")) {
            unpadded(tokenizer, $0)
        }
    }

    @Test func `CLIP's tokenizer json gives the ids of transformers`() throws {
        let tokenizer = try CLIPTokenizer(
            json: Goldens.bytes("clip/saved/tokenizer.json"),
            config: Goldens.bytes("clip/saved/tokenizer_config.json"))
        #expect(tokenizer.padding == 0)
        try compare("saved", with: Goldens.decode(Goldens.Expected.self, "clip/clip-sdxl2/clip-sdxl2.ids.json")) {
            unpadded(tokenizer, $0)
        }
    }

    @Test(arguments: [
        "gpt2", "smollm", "qwen2", "llama3", "llama2", "llama2-metaspace", "gemma", "t5", "unigram-bytes",
    ])
    func `decoding gives the text of tokenizers`(name: String) throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes(name + ".json"))
        let expected = try Goldens.decode(Goldens.Expected.self, name + ".ids.json")
        for (ids, text) in zip(expected.ids, try #require(expected.decoded)) {
            let decoded = tokenizer.decode(ids, skippingSpecialTokens: true)
            #expect(
                decoded.utf8.elementsEqual(text.utf8), "\(ids): \(decoded.debugDescription) \(text.debugDescription)")
        }
    }

    private func unpadded(_ tokenizer: CLIPTokenizer, _ text: String) -> [Int] {
        let prompt = tokenizer.encode(text)
        let count = min(prompt.tokenCount, 75) + 2
        guard prompt.ids.count == 77, prompt.ids[count...].allSatisfy({ $0 == tokenizer.padding }) else { return [] }
        return Array(prompt.ids[..<count])
    }

    private func compare(_ name: String, with expected: Goldens.Expected, _ encode: (String) -> [Int]) throws {
        let corpus = try Goldens.corpus.get()
        #expect(corpus.curated.count == expected.ids.count && corpus.lines.count == expected.hashes.count)
        for (text, ids) in zip(corpus.curated, expected.ids) {
            #expect(encode(text) == ids, "\(name): \(text.debugDescription)")
        }
        for (text, hash) in zip(corpus.lines, expected.hashes) {
            let ids = encode(text)
            #expect(Goldens.hash(ids) == hash, "\(name): \(text.debugDescription) gave \(ids)")
        }
        for (text, hash) in zip(corpus.long, expected.long) {
            #expect(Goldens.hash(encode(text.text)) == hash, "\(name): \(text.text.prefix(20).debugDescription)…")
        }
    }
}
