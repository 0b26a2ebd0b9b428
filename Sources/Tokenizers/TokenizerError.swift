package import JSON

/// Why a tokenizer could not be built from the files that describe it.
package enum TokenizerError: Error, Equatable, Sendable {
    /// The text is not the JSON that the format says.
    case json(JSONFault)
    /// A field that the format requires is not there.
    case missing(field: String)
    /// A field is there and is not what the format says.
    case malformed(field: String, expected: String)
    /// A stage, pattern or option of `tokenizer.json` or of a GGUF vocabulary that Lazuli has no code for.
    case unsupported(stage: String, name: String)
    /// `tokenizer.ggml.pre` names a pre-tokeniser that Lazuli does not know.
    case unknownPreTokenizer(name: String)
    /// A byte-level or CLIP vocabulary came without its merges.
    case missingMerges
    /// A merge is not two tokens separated by one space.
    case malformedMerge(index: Int, text: String)
    /// A merge names a token that the vocabulary does not have.
    case mergeOutsideVocabulary(index: Int, token: String)
    /// A token's id is negative or absurdly high.
    case invalidID(token: String, id: Int)
    /// A token that another part refers to is not in the vocabulary.
    case unknownToken(String)
    /// Two lists of a GGUF vocabulary that must be equally long are not.
    case lengthMismatch(field: String, expected: Int, found: Int)
    /// The normalisation table is cut off or points outside itself.
    case malformedCharsmap(reason: String)
}

extension TokenizerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .json(let fault):
            "a file of the tokenizer has \(fault); download it again"
        case .missing(let field):
            "the tokenizer has no '\(excerpt(field))'; download its files again"
        case .malformed(let field, let expected):
            "the tokenizer's '\(excerpt(field))' is not \(expected)"
        case .unsupported(let stage, let name):
            "the tokenizer's \(stage) '\(excerpt(name))' is not supported; use a model with a CLIP, byte-level BPE or "
                + "SentencePiece tokenizer"
        case .unknownPreTokenizer(let name):
            "the GGUF file's pre-tokeniser '\(excerpt(name))' is unknown; known are "
                + GGUFVocabulary.knownPreTokenizers.joined(separator: ", ")
                + "; convert the model again, or load its transformers folder with tokenizer.json"
        case .missingMerges:
            "the vocabulary has no merges; put merges.txt beside vocab.json, or convert the GGUF file again"
        case .malformedMerge(let index, let text):
            "merge \(index), '\(excerpt(text))', is not two tokens separated by one space"
        case .mergeOutsideVocabulary(let index, let token):
            "merge \(index) needs the token '\(excerpt(token))', which the vocabulary lacks; "
                + "the vocabulary and the merges come from different models"
        case .invalidID(let token, let id):
            "the token '\(excerpt(token))' has the id \(id), outside 0 to \(Vocabulary.maximumID)"
        case .unknownToken(let token):
            "the token '\(excerpt(token))' is not in the vocabulary"
        case .lengthMismatch(let field, let expected, let found):
            "the vocabulary's '\(field)' has \(found) entries and needs \(expected)"
        case .malformedCharsmap(let reason):
            "the tokenizer's normalisation table is malformed: \(reason)"
        }
    }
}
