import Tensor

/// Keys and values of the tokens that a decoder has read, so that the next ones need not read them again. A value:
/// a copy is a branch of the conversation.
package struct KeyValueCache: Sendable {
    /// Tokens read so far.
    package private(set) var count = 0
    private var keys: [Tensor?]
    private var values: [Tensor?]

    /// Empty, for a decoder of `depth` layers.
    init(depth: Int) {
        keys = [Tensor?](repeating: nil, count: depth)
        values = keys
    }

    /// Bytes of the stored keys and values.
    package var bytes: Int {
        (keys + values).reduce(0) { $0 + ($1.map { $0.count * $0.type.bytes } ?? 0) }
    }

    /// Adds keys and values [1, T, width] of `layer` and returns those of all tokens. O(tokens).
    mutating func append(_ key: Tensor, _ value: Tensor, layer: Int) -> (keys: Tensor, values: Tensor) {
        let allKeys = Self.joined(keys[layer], key)
        let allValues = Self.joined(values[layer], value)
        (keys[layer], values[layer]) = (allKeys, allValues)
        return (allKeys, allValues)
    }

    /// Counts tokens whose keys and values every layer has added.
    mutating func advance(_ tokens: Int) { count += tokens }

    private static func joined(_ old: Tensor?, _ new: Tensor) -> Tensor {
        guard let old else { return new }
        return Tensor.stacked([old[0], new[0]]).reshaped([1, old.shape[1] + new.shape[1], new.width])
    }
}
