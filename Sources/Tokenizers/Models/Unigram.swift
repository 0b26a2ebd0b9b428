// Unigram language model.
//
// Paper  Kudo 2018, https://arxiv.org/abs/1804.10959
//
// The tokens of a text are those with the highest sum of scores (log probabilities), found by Viterbi.

struct Unigram: Sendable {
    let vocabulary: Vocabulary
    /// By id.
    private let scores: [Double]
    private let trie: Trie
    private let unknown: Int?
    private let unknownScore: Double
    private let fallback: ByteFallback?
    private let precision: Precision

    /// How sums of scores are rounded, which decides between paths that are all but equal.
    enum Precision: Sendable {
        /// SentencePiece.
        case single
        /// Hugging Face.
        case double

        @inline(__always)
        func sum(_ left: Double, _ right: Double) -> Double {
            self == .double ? left + right : Double(Float(left) + Float(right))
        }
    }

    /// What a scalar without a token costs below the worst token, as in the reference.
    private static let unknownPenalty = 10.0

    /// A model with one score a token, by id; `matching` are the ids that text may become.
    init(
        _ vocabulary: Vocabulary, scores: [Double], matching: some Sequence<Int>, unknown: Int?,
        fallback: ByteFallback?,
        precision: Precision
    ) {
        self.vocabulary = vocabulary
        self.scores = scores
        trie = Trie(matching.compactMap { id in vocabulary.bytes(of: id).map { ($0, id) } })
        self.unknown = unknown
        self.fallback = fallback
        self.precision = precision
        unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    }

    /// The best path that ends at a byte: where its last token begins, and which it is (-1: unknown).
    private struct Node {
        var score = 0.0
        var start: Int32 = -1
        var id: Int32 = -1

        mutating func improve(_ candidate: Double, start: Int, id: Int) {
            guard self.start < 0 || candidate > score else { return }
            self = Node(score: candidate, start: Int32(truncatingIfNeeded: start), id: Int32(truncatingIfNeeded: id))
        }
    }

    /// Appends the tokens of one word.
    func encode(_ text: [UInt8], _ word: Range<Int>, into run: inout TokenRun) {
        let origin = word.lowerBound
        var nodes = [Node](repeating: Node(), count: word.count + 1)
        var offset = origin
        while offset < word.upperBound {
            let next = min(offset + utf8Length(text[offset]), word.upperBound)
            let score = nodes[offset - origin].score
            var hasSingle = false
            trie.forEachPrefix(of: text, from: offset, before: word.upperBound) { end, id in
                let sum = precision.sum(score, scores[id])
                nodes[end - origin].improve(sum, start: offset - origin, id: id == unknown ? -1 : id)
                if end == next { hasSingle = true }
            }
            if !hasSingle {
                nodes[next - origin].improve(precision.sum(score, unknownScore), start: offset - origin, id: -1)
            }
            offset = next
        }
        append(path(nodes), of: text, from: origin, to: &run)
    }

    /// The best path from the front, neighbouring unknowns fused into one.
    private func path(_ nodes: [Node]) -> [(range: Range<Int>, id: Int)] {
        var path: [(range: Range<Int>, id: Int)] = []
        var end = nodes.count - 1
        while end > 0 {
            let start = Int(nodes[end].start)
            let id = Int(nodes[end].id)
            if id < 0, let last = path.last, last.id < 0 {
                path[path.count - 1].range = start..<last.range.upperBound
            } else {
                path.append((start..<end, id))
            }
            end = start
        }
        return path.reversed()
    }

    private func append(
        _ path: [(range: Range<Int>, id: Int)], of text: [UInt8], from origin: Int, to run: inout TokenRun
    ) {
        for (range, id) in path {
            let start = origin + range.lowerBound
            let end = origin + range.upperBound
            if id >= 0 {
                run.append(id, at: start)
            } else if let id = vocabulary.id(of: text, start..<end) {
                // The unknown token itself, written out.
                run.append(id, at: start)
            } else if let fallback, fallback.covers(text, start..<end) {
                for offset in start..<end { run.append(Int(fallback[text[offset]]), at: offset) }
            } else if let unknown {
                run.append(unknown, at: start)
            }
        }
    }
}
