import Testing
import Tokenizers

/// Ids back to text, all at once and as they come.
struct DecodingTests {
    static let byteLevel = ["gpt2", "smollm", "llama3"]

    @Test(arguments: byteLevel)
    func `byte-level decoding undoes encoding`(name: String) throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes(name + ".json"))
        let corpus = try Goldens.corpus.get()
        for text in corpus.curated + corpus.lines + corpus.long.map(\.text) {
            let decoded = tokenizer.decode(tokenizer.encode(text, addingSpecialTokens: false))
            #expect(decoded.utf8.elementsEqual(text.utf8))
        }
    }

    @Test(arguments: byteLevel + ["llama2", "gemma", "unigram-bytes", "t5"])
    func `streaming gives the same text and never half a character`(name: String) throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes(name + ".json"))
        for text in try Goldens.corpus.get().curated {
            let ids = tokenizer.encode(text)
            var decoder = StreamingDecoder(tokenizer, skippingSpecialTokens: false)
            var streamed = ""
            for id in ids {
                let part = decoder.append(id)
                if !text.unicodeScalars.contains("\u{FFFD}") { #expect(!part.unicodeScalars.contains("\u{FFFD}")) }
                streamed += part
            }
            streamed += decoder.finish()
            #expect(streamed.utf8.elementsEqual(tokenizer.decode(ids).utf8))
        }
    }

    @Test func `bytes that never become a character read as U+FFFD`() throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes("gpt2.json"))
        let emoji = tokenizer.encode("\u{13000}")
        #expect(emoji.count == 4)
        var decoder = StreamingDecoder(tokenizer)
        #expect(emoji.dropLast().map { decoder.append($0) } == ["", "", ""])
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(tokenizer.decode(emoji.dropFirst()) == "\u{FFFD}\u{FFFD}\u{FFFD}")
        #expect(tokenizer.decode([emoji[0]] + tokenizer.encode("a")) == "\u{FFFD}a")
    }

    @Test func `ids without a token and special tokens give nothing`() throws {
        let tokenizer = try Tokenizer(json: Goldens.bytes("gpt2.json"))
        let end = try #require(tokenizer.id(of: "<|im_end|>"))
        let ids = [-1, .max, tokenizer.vocabularySize] + tokenizer.encode("hi") + [end]
        #expect(tokenizer.decode(ids, skippingSpecialTokens: true) == "hi")
        #expect(tokenizer.decode(ids) == "hi<|im_end|>")
        #expect(tokenizer.isSpecial(end) && tokenizer.token(end) == "<|im_end|>")
        #expect(tokenizer.token(-1) == nil && tokenizer.id(of: "no such token") == nil)
    }

    @Test func `random ids never trap`() throws {
        var random = SplitMix(seed: 5)
        for name in ["gpt2", "llama2", "gemma", "t5", "unigram-bytes"] {
            let tokenizer = try Tokenizer(json: Goldens.bytes(name + ".json"))
            for _ in 0..<300 {
                let ids = (0..<12).map { _ in Int(random.next() % UInt64(tokenizer.vocabularySize + 10)) - 5 }
                var decoder = StreamingDecoder(tokenizer, skippingSpecialTokens: false)
                var streamed = ids.map { decoder.append($0) }.joined()
                streamed += decoder.finish()
                #expect(streamed.utf8.elementsEqual(tokenizer.decode(ids).utf8))
            }
        }
    }
}

/// Sebastiano Vigna's SplitMix64, for inputs that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
