import JSON
import Testing
import Tokenizers

/// Files that are wrong are typed errors, never traps.
struct TokenizerErrorTests {
    @Test(arguments: ["gpt2.json", "llama2.json", "t5.json"])
    func `a truncated tokenizer json is malformed at every length`(name: String) throws {
        let whole = try Goldens.bytes(name)
        for count in stride(from: 0, to: whole.count - 1, by: 97) {
            #expect {
                try Tokenizer(json: Array(whole[..<count]))
            } throws: { error in
                guard case .json(let fault)? = error as? TokenizerError else { return false }
                // A cut through a character is no UTF-8.
                return fault.reason == .unexpectedEnd || fault.reason == .invalidUTF8 || fault.offset >= count - 5
            }
        }
    }

    @Test(arguments: ["smollm.json", "gemma.json", "t5.json"])
    func `a corrupted tokenizer json loads or is refused`(name: String) throws {
        let whole = try Goldens.bytes(name)
        var random = SplitMix(seed: 9)
        var refused = 0
        for _ in 0..<400 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do throws(TokenizerError) {
                let tokenizer = try Tokenizer(json: bytes)
                _ = tokenizer.decode(tokenizer.encode("Hello  wörld 😀 <s> 123\r\n"))
            } catch {
                #expect(!error.description.isEmpty)
                refused += 1
            }
        }
        #expect(refused > 50)
    }

    @Test(arguments: [
        (
            #"{"model": {"type": "WordPiece", "vocab": {}}}"#,
            TokenizerError.unsupported(stage: "model", name: "WordPiece")
        ),
        (#"{"model": {"type": "BPE", "vocab": {}}}"#, .missingMerges),
        (#"{"model": {"type": "BPE", "merges": []}}"#, .missing(field: "model.vocab")),
        (#"{"added_tokens": []}"#, .missing(field: "model")),
        (#"{"model": []}"#, .malformed(field: "model", expected: "an object")),
        (#"{"model": {"vocab": {"a": -1}, "merges": []}}"#, .invalidID(token: "a", id: -1)),
        (#"{"model": {"vocab": {"a": 99999999}, "merges": []}}"#, .invalidID(token: "a", id: 99_999_999)),
        (#"{"model": {"vocab": {"a": 0}, "merges": ["a  a"]}}"#, .malformedMerge(index: 0, text: "a  a")),
        (#"{"model": {"vocab": {"a": 0}, "merges": [["a", "b"]]}}"#, .mergeOutsideVocabulary(index: 0, token: "ab")),
        (#"{"model": {"vocab": {"a": 0}, "merges": [], "unk_token": "u"}}"#, .unknownToken("u")),
        (
            #"{"model": {"vocab": {}, "merges": []}, "normalizer": {"type": "Odd"}}"#,
            .unsupported(stage: "normalizer", name: "Odd")
        ),
        (
            #"{"model": {"vocab": {}, "merges": []}, "pre_tokenizer": {"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "x+"}}}"#,
            .unsupported(stage: "regular expression", name: "x+")
        ),
        (
            #"{"model": {"vocab": {}, "merges": []}, "post_processor": {"type": "BertProcessing", "cls": ["a", 7], "sep": ["b", 1]}}"#,
            .invalidID(token: "post_processor", id: 7)
        ),
        (#"{"model": {"vocab": [["a", 0.5]], "unk_id": 3}}"#, .invalidID(token: "unk", id: 3)),
        (#"{"a": 1} x"#, .json(JSONFault(offset: 9, reason: .trailingBytes))),
        (#"{"a": 01}"#, .json(JSONFault(offset: 8, reason: .invalidNumber))),
        (#"{"a": "\ud800"}"#, .json(JSONFault(offset: 7, reason: .loneSurrogate))),
        (#"{"a": 1, "a": 2}"#, .json(JSONFault(offset: 13, reason: .repeatedKey("a")))),
        (
            #"{"model": {"vocab": {"a": 0, "a": 1}, "merges": []}}"#,
            .json(JSONFault(offset: 35, reason: .repeatedKey("a")))
        ),
        ("{\"a\": \"\u{0}\"}", .json(JSONFault(offset: 7, reason: .invalidString))),
        ("[]", .malformed(field: "", expected: "an object")),
        ("", .json(JSONFault(offset: 0, reason: .unexpectedEnd))),
    ])
    func `what is wrong with a tokenizer json is named`(json: String, expected: TokenizerError) {
        #expect(throws: expected) { try Tokenizer(json: Array(json.utf8)) }
    }

    @Test func `deep nesting is refused`() {
        let json = #"{"a": "# + String(repeating: "[", count: 100_000)
        #expect(throws: TokenizerError.json(JSONFault(offset: 69, reason: .tooDeep(limit: 64)))) {
            try Tokenizer(json: Array(json.utf8))
        }
    }

    @Test func `an unknown pre-tokeniser is named with those that are known`() throws {
        var vocabulary = try Goldens.gguf("gpt2")
        vocabulary.preTokenizer = "poro-chat"
        #expect(throws: TokenizerError.unknownPreTokenizer(name: "poro-chat")) { try Tokenizer(vocabulary) }
        let text = TokenizerError.unknownPreTokenizer(name: "poro-chat").description
        #expect(text.contains("'poro-chat'") && text.contains("llama-bpe, llama-v3") && text.contains("tokenizer.json"))
    }

    @Test func `GGUF lists that do not fit each other are refused`() throws {
        var short = try Goldens.gguf("spm-bpe")
        short.scores.removeLast()
        let count = short.tokens.count
        #expect(
            throws: TokenizerError.lengthMismatch(field: "tokenizer.ggml.scores", expected: count, found: count - 1)
        ) { try Tokenizer(short) }
        var types = try Goldens.gguf("spm-unigram")
        types.types.append(1)
        #expect(
            throws: TokenizerError.lengthMismatch(
                field: "tokenizer.ggml.token_type", expected: types.tokens.count, found: types.types.count)
        ) { try Tokenizer(types) }
        var merges = try Goldens.gguf("gpt2")
        merges.merges = []
        #expect(throws: TokenizerError.missingMerges) { try Tokenizer(merges) }
        var end = try Goldens.gguf("gpt2")
        end.roles.end = 1 << 20
        #expect(throws: TokenizerError.invalidID(token: "special token", id: 1 << 20)) { try Tokenizer(end) }
        end.roles.end = Int(UInt32.max)
        #expect(try Tokenizer(end).roles.end == nil)
        var model = try Goldens.gguf("gpt2")
        model.model = "rwkv"
        #expect(throws: TokenizerError.unsupported(stage: "GGUF model", name: "rwkv")) { try Tokenizer(model) }
        #expect(throws: TokenizerError.missing(field: "tokenizer.ggml.tokens")) {
            try Tokenizer(GGUFVocabulary(model: "gpt2", tokens: []))
        }
    }

    @Test func `a corrupted normalisation table is refused or harmless`() throws {
        let whole = try Goldens.gguf("spm-unigram")
        var random = SplitMix(seed: 21)
        for round in 0..<300 {
            var vocabulary = whole
            if round % 3 == 0 {
                vocabulary.charsmap.removeLast(Int.random(in: 1..<whole.charsmap.count, using: &random))
            }
            for _ in 0..<8 where !vocabulary.charsmap.isEmpty {
                let index = Int.random(in: vocabulary.charsmap.indices, using: &random)
                vocabulary.charsmap[index] = UInt8.random(in: 0...255, using: &random)
            }
            guard let tokenizer = try? Tokenizer(vocabulary) else { continue }
            _ = tokenizer.encode("ﬁne ½ Ａ e\u{301} 😀 \u{0}\u{FFFD}")
        }
        #expect(throws: TokenizerError.malformedCharsmap(reason: "it has 3 bytes, fewer than 4")) {
            var vocabulary = whole
            vocabulary.charsmap = [1, 2, 3]
            _ = try Tokenizer(vocabulary)
        }
    }
}
