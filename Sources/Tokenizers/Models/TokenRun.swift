/// Tokens found so far, and the byte of the normalised text that each begins at.
struct TokenRun: Sendable {
    private(set) var ids: [Int] = []
    private(set) var starts: [Int] = []

    @inline(__always)
    mutating func append(_ id: Int, at start: Int) {
        ids.append(id)
        starts.append(start)
    }

    /// Repeats tokens found earlier for an equal word that begins at `start`.
    mutating func repeatTokens(_ range: Range<Int>, movedBy distance: Int) {
        for index in range { append(ids[index], at: starts[index] + distance) }
    }

    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
    }
}
