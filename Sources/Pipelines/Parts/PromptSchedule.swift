// Prompts that change on the way: "[cat:dog:0.5]", "[dog:0.5]", "[cat::0.5]" and "[cat|dog]".
//
// Reference  AUTOMATIC1111 `modules/prompt_parser.py` (get_learned_conditioning_prompt_schedules)

import Kinds
import Vocabulary

/// The text of a prompt at each step.
package struct PromptSchedule: Equatable {
    private indirect enum Piece: Equatable {
        case text(String)
        case group([Piece])
        /// `before` until the step `when`, then `after`.
        case change(before: Piece, after: Piece, when: Int)
        case alternate([Piece])
    }

    /// Texts and the last step, from 0, at which each counts, in order.
    package private(set) var texts: [(last: Int, text: String)] = []

    package static func == (a: PromptSchedule, b: PromptSchedule) -> Bool {
        a.texts.elementsEqual(b.texts) { $0.last == $1.last && $0.text == $1.text }
    }

    /// Reads the syntax for a drawing of so many evaluations of the model.
    package init(_ prompt: String, steps: Int) {
        let source = Source(prompt)
        let tree = source.piece(source.characters.indices, steps)
        var ends: Set<Int> = [steps]
        Self.collect(tree, steps, &ends)
        for end in ends.sorted() {
            let text = Self.text(of: tree, at: end)
            if texts.last?.text == text { texts.removeLast() }
            texts.append((end, text))
        }
    }

    package func text(at step: Int) -> String {
        (texts.first { step <= $0.last } ?? texts.last)?.text ?? ""
    }

    // MARK: Reading

    /// The characters and, for each "[" that is closed no deeper than the limit, where.
    private struct Source {
        let characters: [Character]
        private(set) var closing: [Int: Int] = [:]

        /// Brackets within brackets; deeper ones are text.
        private static let depth = 32

        init(_ prompt: String) {
            characters = Array(prompt)
            var open: [Int] = []
            var isEscaped = false
            for (place, character) in characters.enumerated() {
                defer { isEscaped = character == "\\" && !isEscaped }
                guard !isEscaped else { continue }
                if character == "[" { open.append(place) }
                if character == "]", let start = open.popLast(), open.count < Self.depth { closing[start] = place }
            }
        }

        /// The text of a range, its brackets read.
        func piece(_ range: Range<Int>, _ steps: Int) -> Piece {
            var pieces: [Piece] = []
            var text = range.lowerBound
            var place = range.lowerBound
            while place < range.upperBound {
                guard let end = closing[place] else {
                    place += 1
                    continue
                }
                if text < place { pieces.append(.text(String(characters[text..<place]))) }
                pieces.append(bracket(place..<end + 1, steps))
                place = end + 1
                text = place
            }
            if text < range.upperBound { pieces.append(.text(String(characters[text..<range.upperBound]))) }
            return pieces.count == 1 ? pieces[0] : .group(pieces)
        }

        /// A bracket that changes or alternates, or one that only weighs.
        private func bracket(_ range: Range<Int>, _ steps: Int) -> Piece {
            let inner = range.dropFirst().dropLast()
            let marks = marks(inner)
            func split(at marks: [Int]) -> [Range<Int>] {
                let bounds = [inner.startIndex - 1] + marks + [inner.endIndex]
                return zip(bounds, bounds.dropFirst()).map { $0 + 1..<$1 }
            }
            let colons = marks.filter { characters[$0] == ":" }
            let parts = split(at: colons.isEmpty ? marks : colons)
            if (1...2).contains(colons.count), let last = parts.last,
                let when = PromptSchedule.step(String(characters[last]), steps)
            {
                let texts = parts.dropLast().map { piece($0, steps) }
                return .change(
                    before: texts.count == 1 ? .text("") : texts[0], after: texts[texts.count - 1], when: when)
            }
            if colons.isEmpty, parts.count > 1 { return .alternate(parts.map { piece($0, steps) }) }
            return .group([.text("["), piece(inner, steps), .text("]")])
        }

        /// The colons and bars outside of further brackets; a colon within round ones is a weight.
        private func marks(_ range: Range<Int>) -> [Int] {
            var marks: [Int] = []
            var round = 0
            var place = range.lowerBound
            while place < range.upperBound {
                switch characters[place] {
                case "\\": place += 1
                case "(": round += 1
                case ")": round = max(0, round - 1)
                case ":" where round == 0, "|" where round == 0: marks.append(place)
                default: break
                }
                place = closing[place].map { $0 + 1 } ?? place + 1
            }
            return marks
        }
    }

    /// When a change happens: "0.5" is a part of the way, "10" a step.
    private static func step(_ text: String, _ steps: Int) -> Int? {
        let number = text.trimming(\.isWhitespace)
        guard let value = Double(number), value.isFinite else { return nil }
        let step = number.contains(".") ? value * Double(steps) : value
        return Int(min(max(step, -1), Double(steps)))
    }

    // MARK: Unrolling

    private static func collect(_ piece: Piece, _ steps: Int, _ ends: inout Set<Int>) {
        switch piece {
        case .text: break
        case .group(let pieces): for piece in pieces { collect(piece, steps, &ends) }
        case .change(let before, let after, let when):
            if when >= 1 { ends.insert(when) }
            collect(before, steps, &ends)
            collect(after, steps, &ends)
        case .alternate(let pieces):
            ends.formUnion(1...max(1, steps))
            for piece in pieces { collect(piece, steps, &ends) }
        }
    }

    private static func text(of piece: Piece, at step: Int) -> String {
        switch piece {
        case .text(let text): text
        case .group(let pieces): pieces.map { text(of: $0, at: step) }.joined()
        case .change(let before, let after, let when): text(of: step <= when ? before : after, at: step)
        case .alternate(let pieces): text(of: pieces[(step - 1) % pieces.count], at: step)
        }
    }
}

/// The pairs of prompts that a drawing reads, and which of them counts at each row of its table.
struct PromptVariants: Sendable {
    struct Texts: Sendable, Hashable {
        var prompt: String
        var negative: String?
    }

    private(set) var texts: [Texts] = []
    private(set) var ofRow: [Int] = []

    /// Each pair is encoded and held.
    private static let limit = 64

    /// `rows` of `total` are drawn: a drawing that begins from a picture leaves the first ones out and counts from 0.
    init(_ request: some DrawingParameters, rows: Int, of total: Int) throws(PipelineError) {
        guard request.promptSyntax == .weighted else {
            texts = [Texts(prompt: request.prompt, negative: request.negativePrompt)]
            ofRow = Array(repeating: 0, count: rows)
            return
        }
        let prompt = PromptSchedule(request.prompt, steps: total)
        let negative = request.negativePrompt.map { PromptSchedule($0, steps: total) }
        var numbers: [Texts: Int] = [:]
        for row in 0..<max(1, rows) {
            let pair = Texts(prompt: prompt.text(at: row), negative: negative?.text(at: row))
            let number = numbers[pair] ?? texts.count
            if numbers[pair] == nil {
                numbers[pair] = number
                texts.append(pair)
            }
            ofRow.append(number)
        }
        guard texts.count <= Self.limit else {
            throw .request(
                parameter: "prompt", fact: "it changes into \(texts.count) different prompts",
                remedy: "write at most \(Self.limit)")
        }
    }

    /// Whether nothing in them weighs more than the rest.
    var arePlain: Bool {
        texts.allSatisfy { WeightedPrompt($0.prompt).isPlain && $0.negative.map { WeightedPrompt($0).isPlain } ?? true }
    }

    /// Contexts that a text encoder needs for the longest of them, about.
    var contexts: Int {
        let needed = texts.flatMap { [$0.prompt, $0.negative ?? ""] }.map { text in
            1 + text.utf8.count / 320 + text.ranges(of: "BREAK").count
        }
        return min(PromptContexts.limit, needed.max() ?? 1)
    }
}

extension String {
    fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> Substring {
        let head = drop(while: isTrimmed)
        return head[..<(head.lastIndex { !isTrimmed($0) }.map { head.index(after: $0) } ?? head.startIndex)]
    }
}
