package import Checkpoints
import Tensor

extension ConfigObject {
    /// The activation named at `key`, by any of the names in use.
    func activation(_ key: String, default standard: Activation) throws(ConfigError) -> Activation {
        guard let name = try optionalString(key) else { return standard }
        guard let activation = Activation(rawValue: name) else {
            throw .value(
                file: file, key: key, found: name,
                known: ["silu", "gelu", "gelu_pytorch_tanh", "quick_gelu", "relu", "tanh", "sigmoid"])
        }
        return activation
    }

    /// The number at `key` in single precision, or `standard` when absent.
    func float(_ key: String, default standard: Float) throws(ConfigError) -> Float {
        let value = try double(key, default: Double(standard))
        guard Float(value).isFinite else {
            throw .type(file: file, key: key, expected: "a number of single precision", found: "\(value)")
        }
        return Float(value)
    }

    /// The same, for a number that something is divided by or whose logarithm counts.
    func positive(_ key: String, default standard: Float? = nil) throws(ConfigError) -> Float {
        let value =
            if let standard { try float(key, default: standard) } else {
                try float(key, default: Float(try double(key)))
            }
        guard value >= .leastNormalMagnitude else {
            throw .type(file: file, key: key, expected: "a number above 0", found: "\(value)")
        }
        return value
    }

    /// Throws where `key` holds text other than `known`; absent is fine.
    func require(_ key: String, oneOf known: String...) throws(ConfigError) {
        guard let found = try optionalString(key), !known.contains(found) else { return }
        throw .value(file: file, key: key, found: found, known: known)
    }

    /// Throws where one of `keys` is present: parts of an architecture that no file of this kind needs yet.
    func requireAbsent(_ keys: String...) throws(ConfigError) {
        for key in keys where has(key) { throw .value(file: file, key: key, found: "present", known: ["null"]) }
    }

    /// Throws where one of `keys` is true; false and absent are fine.
    package func requireFalse(_ keys: String...) throws(ConfigError) {
        for key in keys where try bool(key, default: false) {
            throw .value(file: file, key: key, found: "true", known: ["false"])
        }
    }
}

extension ConfigObject {
    /// Most levels of a network, each half as large as the one above; 1 << levels is met in many places.
    private static var mostLevels: Int { 10 }

    /// Throws unless both lists have one entry for each of the same, one or more, levels.
    func requireLevels(_ key: String, _ list: [Int], _ other: String, _ otherList: [Int]) throws(ConfigError) {
        guard list.count <= Self.mostLevels else {
            throw .type(
                file: file, key: key, expected: "a list of at most \(Self.mostLevels)", found: "a list of \(list.count)"
            )
        }
        guard list.count == otherList.count, !list.isEmpty else {
            throw .type(
                file: file, key: key, expected: "a list as long as \"\(other)\", which has \(otherList.count)",
                found: "\(list.count)")
        }
    }
}
