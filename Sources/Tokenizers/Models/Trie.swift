/// The keys of a vocabulary as a tree of bytes, to find all keys that begin at a place of a text.
///
/// Nodes are numbered breadth first, so the edge with number e leads to node e + 1 and needs no target of its own.
struct Trie: Sendable {
    /// Node n's edges are `edges[firstEdge[n]..<firstEdge[n + 1]]`, sorted by byte.
    private var firstEdge: [UInt32] = [0]
    private var edges: [UInt8] = []
    /// The id of the key that ends at a node, or -1.
    private var ids: [Int32] = []
    /// The root's child by byte, or 0.
    private var rootChildren = [UInt32](repeating: 0, count: 256)

    /// Builds the tree; of equal keys the last wins, empty keys are left out. O(total length + n log n).
    init(_ keys: [(bytes: ArraySlice<UInt8>, id: Int)]) {
        let keys = keys.enumerated().filter { !$0.element.bytes.isEmpty }.sorted {
            $0.element.bytes.elementsEqual($1.element.bytes)
                ? $0.offset < $1.offset : $0.element.bytes.lexicographicallyPrecedes($1.element.bytes)
        }.map(\.element)
        var level: [(range: Range<Int>, depth: Int)] = [(0..<keys.count, 0)]
        var next = 0
        while next < level.count {
            var (range, depth) = level[next]
            next += 1
            var id: Int32 = -1
            while let key = keys[range].first, key.bytes.count == depth {
                id = Int32(truncatingIfNeeded: key.id)
                range = range.lowerBound + 1..<range.upperBound
            }
            ids.append(id)
            while let key = keys[range].first {
                let byte = key.bytes[key.bytes.startIndex + depth]
                let end = keys[range].firstIndex { $0.bytes[$0.bytes.startIndex + depth] != byte } ?? range.upperBound
                level.append((range.lowerBound..<end, depth + 1))
                edges.append(byte)
                if next == 1 { rootChildren[Int(byte)] = UInt32(edges.count) }
                range = end..<range.upperBound
            }
            firstEdge.append(UInt32(edges.count))
        }
    }

    var isEmpty: Bool { edges.isEmpty }

    /// Calls `body` for every key that begins at `start`, the shortest first.
    @inline(__always)
    func forEachPrefix(of bytes: [UInt8], from start: Int, before end: Int, _ body: (_ end: Int, _ id: Int) -> Void) {
        guard start < end else { return }
        var node = Int(rootChildren[Int(bytes[start])])
        var offset = start + 1
        while node != 0 {
            if ids[node] >= 0 { body(offset, Int(ids[node])) }
            guard offset < end else { return }
            node = child(of: node, bytes[offset])
            offset += 1
        }
    }

    /// The longest key that begins at `start`.
    func longestPrefix(of bytes: [UInt8], from start: Int, before end: Int) -> (end: Int, id: Int)? {
        var longest: (end: Int, id: Int)?
        forEachPrefix(of: bytes, from: start, before: end) { longest = ($0, $1) }
        return longest
    }

    /// The node below along a byte, or 0 (the root, which is nobody's child).
    @inline(__always)
    private func child(of node: Int, _ byte: UInt8) -> Int {
        var low = Int(firstEdge[node])
        var high = Int(firstEdge[node + 1])
        while high - low > 8 {
            let middle = (low + high) / 2
            if edges[middle] <= byte { low = middle } else { high = middle }
        }
        while low < high {
            if edges[low] == byte { return low + 1 }
            low += 1
        }
        return 0
    }
}
