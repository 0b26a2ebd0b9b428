// Byte pair encoding.
//
// Paper  Sennrich et al. 2016, https://arxiv.org/abs/1508.07909
//
// A word begins as one symbol a byte or a scalar; the pair of neighbours with the lowest rank merges, the leftmost of
// several, until no neighbours merge. Words are short, so a scan finds the lowest; long ones use a heap, O(n log n).

struct BytePairEncoding: Sendable {
    let vocabulary: Vocabulary
    let merges: MergeTable
    let symbols: Symbols
    /// A word that is a token as it stands is not merged at all (Llama 3).
    let takesWholeWords: Bool

    /// Symbols up to which a scan beats the heap.
    private static let longestScan = 32

    enum Symbols: Sendable {
        /// One symbol a byte, spelled in the byte alphabet: by byte its id, -1 without one; `final` ends a word.
        case bytes(inner: [Int32], final: [Int32], unknown: Int32?)
        /// One symbol a scalar; `suffix` is part of a word's last.
        case scalars(suffix: [UInt8], fallback: ByteFallback?, unknown: Int32?, fusesUnknown: Bool)
    }

    /// Appends the tokens of one word.
    func encode(_ text: [UInt8], _ word: Range<Int>, into run: inout TokenRun, _ scratch: inout Scratch) {
        if takesWholeWords, let id = wholeWord(text, word, &scratch) {
            run.append(id, at: word.lowerBound)
            return
        }
        scratch.removeAll()
        begin(text, word, &scratch)
        if scratch.ids.count <= Self.longestScan { mergeByScan(&scratch) } else { mergeByHeap(&scratch) }
        for index in scratch.ids.indices where scratch.ids[index] >= 0 {
            run.append(Int(scratch.ids[index]), at: scratch.starts[index])
        }
    }

    private func wholeWord(_ text: [UInt8], _ word: Range<Int>, _ scratch: inout Scratch) -> Int? {
        guard case .bytes = symbols else { return vocabulary.id(of: text, word) }
        ByteAlphabet.spell(text[word], into: &scratch.spelling)
        return vocabulary.id(of: scratch.spelling)
    }

    // MARK: Initial symbols

    private func begin(_ text: [UInt8], _ word: Range<Int>, _ scratch: inout Scratch) {
        switch symbols {
        case .bytes(let inner, let final, let unknown):
            for offset in word {
                let table = offset == word.upperBound - 1 ? final : inner
                let id = table[Int(text[offset])]
                if id >= 0 {
                    scratch.append(id, at: offset)
                } else if let unknown {
                    scratch.append(unknown, at: offset)
                }
            }
        case .scalars(let suffix, let fallback, let unknown, let fusesUnknown):
            var offset = word.lowerBound
            var followsUnknown = false
            while offset < word.upperBound {
                let end = min(offset + utf8Length(text[offset]), word.upperBound)
                if let id = symbol(text, offset..<end, suffix: end == word.upperBound ? suffix : [], &scratch) {
                    scratch.append(id, at: offset)
                    followsUnknown = false
                } else if let fallback, fallback.covers(text, offset..<end) {
                    for position in offset..<end { scratch.append(fallback[text[position]], at: position) }
                    followsUnknown = false
                } else if let unknown, !(followsUnknown && fusesUnknown) {
                    scratch.append(unknown, at: offset)
                    followsUnknown = true
                }
                offset = end
            }
        }
    }

    private func symbol(
        _ text: [UInt8], _ range: Range<Int>, suffix: [UInt8], _ scratch: inout Scratch
    ) -> Int32? {
        guard !suffix.isEmpty else { return vocabulary.id(of: text, range).map { Int32(truncatingIfNeeded: $0) } }
        scratch.spelling.removeAll(keepingCapacity: true)
        scratch.spelling.append(contentsOf: text[range])
        scratch.spelling.append(contentsOf: suffix)
        return vocabulary.id(of: scratch.spelling).map { Int32(truncatingIfNeeded: $0) }
    }

    // MARK: Merging

    private func mergeByScan(_ scratch: inout Scratch) {
        guard scratch.ids.count > 1 else { return }
        for index in 1..<scratch.ids.count {
            scratch.merges.append(merges.find(scratch.ids[index - 1], scratch.ids[index]))
        }
        while true {
            var best = -1
            var bestRank = UInt32.max
            for (index, merge) in scratch.merges.enumerated() where MergeTable.rank(of: merge) < bestRank {
                best = index
                bestRank = MergeTable.rank(of: merge)
            }
            guard best >= 0 else { return }
            scratch.ids[best] = MergeTable.result(of: scratch.merges[best])
            scratch.ids.remove(at: best + 1)
            scratch.starts.remove(at: best + 1)
            scratch.merges.remove(at: best)
            if best < scratch.merges.count {
                scratch.merges[best] = merges.find(scratch.ids[best], scratch.ids[best + 1])
            }
            if best > 0 { scratch.merges[best - 1] = merges.find(scratch.ids[best - 1], scratch.ids[best]) }
        }
    }

    /// Merges over a linked list. Symbols that went into their left neighbour get the id -1; a heap entry whose merge
    /// is no longer what its place would do is stale and passed over.
    private func mergeByHeap(_ scratch: inout Scratch) {
        let count = scratch.ids.count
        scratch.link(count)
        for index in 0..<count - 1 {
            scratch.propose(index, merges.find(scratch.ids[index], scratch.ids[index + 1]))
        }
        while let (rank, index) = scratch.heap.removeFirst() {
            let merge = scratch.merges[index]
            guard merge != MergeTable.none, MergeTable.rank(of: merge) == rank else { continue }
            let right = scratch.next[index]
            scratch.ids[index] = MergeTable.result(of: merge)
            scratch.ids[right] = -1
            scratch.merges[right] = MergeTable.none
            let after = scratch.next[right]
            scratch.next[index] = after
            if after < count {
                scratch.previous[after] = index
                scratch.propose(index, merges.find(scratch.ids[index], scratch.ids[after]))
            } else {
                scratch.merges[index] = MergeTable.none
            }
            let before = scratch.previous[index]
            if before >= 0 { scratch.propose(before, merges.find(scratch.ids[before], scratch.ids[index])) }
        }
    }
}

extension BytePairEncoding {
    /// Working memory of one encoding, kept from word to word.
    struct Scratch {
        var ids: [Int32] = []
        var starts: [Int] = []
        /// By symbol the merge with its right neighbour.
        var merges: [MergeTable.Merge] = []
        var next: [Int] = []
        var previous: [Int] = []
        var heap = MergeHeap()
        var spelling: [UInt8] = []

        mutating func removeAll() {
            ids.removeAll(keepingCapacity: true)
            starts.removeAll(keepingCapacity: true)
            merges.removeAll(keepingCapacity: true)
        }

        mutating func append(_ id: Int32, at start: Int) {
            ids.append(id)
            starts.append(start)
        }

        mutating func link(_ count: Int) {
            next = Array(1...count)
            previous = Array(-1..<count - 1)
            merges = Array(repeating: MergeTable.none, count: count)
        }

        mutating func propose(_ index: Int, _ merge: MergeTable.Merge) {
            merges[index] = merge
            if merge != MergeTable.none { heap.insert(rank: MergeTable.rank(of: merge), index: index) }
        }
    }

    /// A binary heap that gives the lowest rank first, and the leftmost of equal ranks.
    struct MergeHeap {
        private var entries: [UInt64] = []

        mutating func insert(rank: UInt32, index: Int) {
            var child = entries.count
            let entry = UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: index))
            entries.append(entry)
            while child > 0 {
                let parent = (child - 1) / 2
                guard entry < entries[parent] else { break }
                entries[child] = entries[parent]
                child = parent
            }
            entries[child] = entry
        }

        mutating func removeFirst() -> (rank: UInt32, index: Int)? {
            guard let first = entries.first, let last = entries.popLast() else { return nil }
            if !entries.isEmpty { sink(last) }
            return (UInt32(truncatingIfNeeded: first >> 32), Int(first & 0xFFFF_FFFF))
        }

        private mutating func sink(_ entry: UInt64) {
            var parent = 0
            while true {
                var child = 2 * parent + 1
                guard child < entries.count else { break }
                if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
                guard entries[child] < entry else { break }
                entries[parent] = entries[child]
                parent = child
            }
            entries[parent] = entry
        }
    }
}
