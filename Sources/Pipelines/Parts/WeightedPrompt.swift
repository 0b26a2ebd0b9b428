// Prompts whose parts weigh more or less: "(word)", "((word))", "[word]", "(word:1.3)", and BREAK between contexts.
//
// Reference  AUTOMATIC1111 `modules/prompt_parser.py` (parse_prompt_attention) and `modules/sd_hijack_clip.py`

import Tokenizers

/// A prompt as parts of one weight each.
package struct WeightedPrompt: Equatable {
    package enum Part: Equatable {
        case text(String, weight: Float)
        /// What follows begins a context of its own.
        case contextBreak
    }

    package let parts: [Part]

    /// What one pair of brackets does.
    private static let round: Float = 1.1
    private static let square: Float = 1 / 1.1

    /// Reads the syntax. A backslash takes a bracket's meaning away; brackets that nothing closes count to the end, and
    /// those that nothing opened stand for themselves.
    package init(_ prompt: String) {
        var reader = Reader(prompt)
        var read = Pieces()
        while let token = reader.next() {
            switch token {
            case .text(let text): read.append(text)
            case .escaped(let text): read.add(text)
            case .open("("): read.round.append(read.texts.count)
            case .open: read.square.append(read.texts.count)
            case .weight(let weight, let text):
                if let start = read.round.popLast() { read.weigh(weight, from: start) } else { read.append(text) }
            case .close(")"):
                if let start = read.round.popLast() { read.weigh(Self.round, from: start) } else { read.append(")") }
            case .close:
                if let start = read.square.popLast() { read.weigh(Self.square, from: start) } else { read.append("]") }
            }
        }
        for start in read.round { read.weigh(Self.round, from: start) }
        for start in read.square { read.weigh(Self.square, from: start) }
        parts = read.merged
    }

    /// The words alone.
    package var text: String {
        parts.map { if case .text(let text, _) = $0 { text } else { " " } }.joined()
    }

    /// Whether every word weighs the same and nothing is broken.
    package var isPlain: Bool {
        parts.allSatisfy { if case .text(_, 1) = $0 { true } else { false } }
    }
}

/// What was read, with its weights beside it: a bracket may weigh all that came before it was closed.
private struct Pieces {
    /// nil: a break.
    var texts: [String?] = []
    var weights: [Float] = []
    /// Where brackets were opened.
    var round: [Int] = []
    var square: [Int] = []

    mutating func add(_ text: String?) {
        texts.append(text)
        weights.append(1)
    }

    mutating func append(_ text: String) {
        guard text.contains("BREAK") else { return add(text) }
        for (index, piece) in text.split(separator: #/\s*\bBREAK\b\s*/#, omittingEmptySubsequences: false).enumerated()
        {
            if index > 0 { add(nil) }
            add(String(piece))
        }
    }

    mutating func weigh(_ factor: Float, from start: Int) {
        for index in start..<max(start, weights.count) { weights[index] *= factor }
    }

    /// Neighbours of one weight are one text, which tokenizers may read otherwise than two.
    var merged: [WeightedPrompt.Part] {
        var merged: [WeightedPrompt.Part] = []
        var (text, weight): (String, Float) = ("", 1)
        func flush() {
            if !text.isEmpty { merged.append(.text(text, weight: weight)) }
            text = ""
        }
        for (piece, own) in zip(texts, weights) {
            if piece == nil || own != weight { flush() }
            if let piece {
                text += piece
                weight = own
            } else {
                merged.append(.contextBreak)
            }
        }
        flush()
        return merged.isEmpty ? [.text("", weight: 1)] : merged
    }
}

/// The tokens of the syntax.
private struct Reader {
    enum Token {
        case text(String), escaped(String), open(Character), close(Character)
        /// ":1.3)" and how it was written.
        case weight(Float, String)
    }

    private var rest: Substring

    init(_ prompt: String) { rest = prompt[...] }

    mutating func next() -> Token? {
        guard let first = rest.first else { return nil }
        switch first {
        case "\\":
            rest.removeFirst()
            guard let escaped = rest.first, "()[]\\".contains(escaped) else { return .escaped("") }
            rest.removeFirst()
            return .escaped(String(escaped))
        case "(", "[":
            rest.removeFirst()
            return .open(first)
        case ")", "]":
            rest.removeFirst()
            return .close(first)
        case ":":
            if let match = rest.prefixMatch(of: #/:\s*([+-]?[.\d]+)\s*\)/#), let weight = Float(match.1) {
                rest = rest[match.range.upperBound...]
                return .weight(weight, String(match.0))
            }
            rest.removeFirst()
            return .text(":")
        default:
            let text = rest.prefix { !"\\()[]:".contains($0) }
            rest = rest[text.endIndex...]
            return .text(String(text))
        }
    }
}

/// A prompt cut into contexts of the text encoder.
struct PromptContexts: Equatable {
    struct Context: Equatable {
        /// Start, the tokens, end and padding: as many as the encoder reads.
        var ids: [Int]
        var weights: [Float]
    }

    private(set) var contexts: [Context] = []
    /// Tokens of the whole prompt, without markers and padding.
    private(set) var tokenCount = 0
    /// The parts of the prompt for which there was no context left.
    private(set) var truncatedText = ""

    /// The most contexts that are read.
    static let limit = 16
    /// A comma so near the end of a context ends it, so that what follows is not torn apart.
    private static let backtrack = 20

    init(_ prompt: WeightedPrompt, _ tokenizer: CLIPTokenizer) {
        let room = max(1, tokenizer.contextLength - 2)
        let comma = tokenizer.tokenizer.id(of: ",</w>")
        var ids: [Int] = []
        var weights: [Float] = []
        var lastComma: Int?
        func close() {
            contexts.append(Self.context(ids, weights, room, tokenizer))
            (ids, weights, lastComma) = ([], [], nil)
        }
        for part in prompt.parts {
            guard case .text(let text, let weight) = part else {
                close()
                continue
            }
            for id in tokenizer.tokenizer.encodeWithOrigins(text).ids {
                tokenCount += 1
                if id == comma {
                    lastComma = ids.count
                } else if ids.count == room, let place = lastComma, ids.count - place <= Self.backtrack {
                    let moved = (Array(ids[(place + 1)...]), Array(weights[(place + 1)...]))
                    (ids, weights) = (Array(ids[...place]), Array(weights[...place]))
                    close()
                    (ids, weights) = moved
                }
                if ids.count == room { close() }
                ids.append(id)
                weights.append(weight)
            }
        }
        if !ids.isEmpty || contexts.isEmpty { close() }
        if contexts.count > Self.limit {
            let lost = contexts[Self.limit...].flatMap {
                $0.ids.filter { $0 != tokenizer.start && $0 != tokenizer.end }
            }
            truncatedText = tokenizer.decode(lost)
            contexts.removeSubrange(Self.limit...)
        }
    }

    private static func context(
        _ ids: [Int], _ weights: [Float], _ room: Int, _ tokenizer: CLIPTokenizer
    ) -> Context {
        let padding = room - ids.count
        return Context(
            ids: [tokenizer.start] + ids + [tokenizer.end] + Array(repeating: tokenizer.padding, count: padding),
            weights: [1] + weights + Array(repeating: 1, count: padding + 1))
    }
}
