import Testing
import Tokenizers

/// Padding, cutting and what is reported of it.
struct CLIPTokenizerTests {
    let tokenizer: CLIPTokenizer
    let padded: CLIPTokenizer

    init() throws {
        let vocabulary = try Goldens.bytes("clip/vocab.json")
        let merges = try Goldens.bytes("clip/merges.txt")
        tokenizer = try CLIPTokenizer(vocabulary: vocabulary, merges: merges)
        padded = try CLIPTokenizer(
            vocabulary: vocabulary, merges: merges,
            config: Goldens.bytes("clip/clip-sdxl2/tokenizer_config.json"),
            specialTokensMap: Goldens.bytes("clip/clip-sdxl2/special_tokens_map.json"))
    }

    @Test func `ViT-L pads with the end token and OpenCLIP with id 0`() {
        let first = tokenizer.encode("cat")
        #expect(first.ids[..<1] == [tokenizer.start] && first.ids.count == 77)
        #expect(first.ids[first.tokenCount + 1] == tokenizer.end)
        #expect(first.ids.suffix(60).allSatisfy { $0 == tokenizer.end })
        let second = padded.encode("cat")
        #expect(second.ids[second.tokenCount + 1] == padded.end)
        #expect(second.ids.suffix(60).allSatisfy { $0 == 0 })
    }

    /// `padded` reads the same map beside vocab.json, and ParityTests compares it with transformers.
    @Test(arguments: ["cat", "a cat! sleeping !!", ""])
    func `special_tokens_map.json overrides tokenizer_config.json beside tokenizer.json too`(prompt: String) throws {
        let (json, map) = ("clip/saved/tokenizer.json", "clip/clip-sdxl2/special_tokens_map.json")
        for config in [#"{"pad_token": "<|endoftext|>"}"#, #"{"pad_token": {"content": "<|endoftext|>"}}"#] {
            let tokenizer = try CLIPTokenizer(
                json: Goldens.bytes(json), config: Array(config.utf8), specialTokensMap: Goldens.bytes(map))
            #expect(tokenizer.encode(prompt).ids == padded.encode(prompt).ids)
        }
        // A configuration that lists its added tokens was saved by a version that needs no map.
        let tokenizer = try CLIPTokenizer(
            json: Goldens.bytes(json),
            config: Array(#"{"added_tokens_decoder": {}, "pad_token": "<|endoftext|>"}"#.utf8),
            specialTokensMap: Goldens.bytes(map))
        #expect(tokenizer.padding == tokenizer.end)
    }

    @Test(arguments: [0, 1, 74, 75, 76, 77, 200])
    func `a prompt is cut after 75 tokens and the rest reported`(count: Int) {
        let prompt = (0..<count).map { String($0 % 10) }.joined(separator: " ")
        let encoded = tokenizer.encode(prompt)
        #expect(encoded.ids.count == 77)
        #expect(encoded.tokenCount == count)
        #expect(encoded.truncatedText.isEmpty == (count <= 75))
        #expect(encoded.ids[min(count, 75) + 1] == tokenizer.end)
        if count > 75 { #expect(encoded.truncatedText == String(prompt.dropFirst(150))) }
    }

    @Test func `truncated text is the caller's own spelling`() {
        let start = Array(repeating: "1", count: 74).joined(separator: "  ")
        for rest in ["Crêpes  À LA\tCARTE", "cre\u{302}pes E\u{301}TE\u{301}", "\u{130}X 👩‍👩‍👧 y", "ΟΔΟΣ"] {
            let encoded = tokenizer.encode(start + " x " + rest)
            #expect(encoded.truncatedText.utf8.elementsEqual(rest.utf8), "\(encoded.truncatedText)")
        }
        // The cut falls inside a word, even inside a character.
        let inside = tokenizer.encode(start + " 😀 end")
        #expect(inside.truncatedText == "😀 end")
    }

    @Test func `decoding gives words separated by spaces`() {
        let ids = tokenizer.encode("A  Photo of\nTWO cats").ids
        #expect(tokenizer.decode(ids) == "a photo of two cats")
        #expect(tokenizer.decode([tokenizer.start, tokenizer.end], skippingSpecialTokens: false).hasPrefix("<|start"))
        #expect(tokenizer.decode([-1, 1 << 40]) == "")
    }

    @Test func `the context length is the configuration's where it is a length`() throws {
        func length(_ config: String) throws -> Int {
            try CLIPTokenizer(
                vocabulary: Goldens.bytes("clip/vocab.json"), merges: Goldens.bytes("clip/merges.txt"),
                config: Array(config.utf8)
            ).contextLength
        }
        #expect(try length(#"{"model_max_length": 64}"#) == 64)
        #expect(try length(#"{"model_max_length": 1000000000000000019884624838656}"#) == 77)
        #expect(try length("{}") == 77)
    }

    @Test func `a folder without merges or tokens says so`() throws {
        let vocabulary = try Goldens.bytes("clip/vocab.json")
        #expect(throws: TokenizerError.missingMerges) {
            try CLIPTokenizer(vocabulary: vocabulary, merges: Array("#version: 0.2\n".utf8))
        }
        #expect(throws: TokenizerError.malformedMerge(index: 0, text: "a b c")) {
            try CLIPTokenizer(vocabulary: vocabulary, merges: Array("a b c\n".utf8))
        }
        #expect(throws: TokenizerError.mergeOutsideVocabulary(index: 0, token: "qqqq")) {
            try CLIPTokenizer(vocabulary: vocabulary, merges: Array("q qqq\n".utf8))
        }
        #expect(throws: TokenizerError.unknownToken("<|startoftext|>")) {
            try CLIPTokenizer(vocabulary: Array(#"{"a": 0}"#.utf8), merges: Array("a a".utf8))
        }
    }
}
