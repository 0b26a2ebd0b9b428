// Typed access to `config.json` and its kin. null counts as absent, as in the files that diffusers writes.

import JSON

/// An object of a configuration file, remembering where it stands in the file for messages.
package struct ConfigObject: Sendable {
    package let file: String
    private let path: String
    private let members: [String: JSON]

    private static let longestFile = 16 << 20
    private static let rules = JSON.Rules(size: longestFile, allowsNonFinite: true, skipsByteOrderMark: true)

    init(file: String, path: String = "", members: [String: JSON]) {
        self.file = file
        self.path = path
        self.members = members
    }

    /// Reads a JSON file whose top is an object, of at most 16 MiB.
    package init(path: String) throws(ConfigError) {
        let text: [UInt8]
        do throws(CheckpointError) { text = try readSmallFile(path, limit: Self.longestFile) } catch {
            throw .file(error)
        }
        try self.init(text, file: path)
    }

    /// Parses JSON text whose top is an object; `file` is its name in messages.
    package init(_ text: [UInt8], file: String) throws(ConfigError) {
        let json: JSON
        do throws(JSONFault) { json = try JSON(text, Self.rules) } catch { throw .json(file: file, error) }
        guard case .object(let members) = json else {
            throw .type(file: file, key: "", expected: "an object", found: json.summary)
        }
        self.init(file: file, members: members)
    }

    /// The keys of this object, sorted.
    package var keys: [String] { members.keys.sorted() }

    /// Whether `key` is present and not null.
    package func has(_ key: String) -> Bool { value(key) != nil }

    private func value(_ key: String) -> JSON? {
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func missing(_ key: String) -> ConfigError { .missing(file: file, key: name(key)) }

    private func mismatch(_ key: String, _ expected: String, _ found: JSON) -> ConfigError {
        .type(file: file, key: name(key), expected: expected, found: found.summary)
    }

    private func required<T>(_ key: String, _ value: T?) throws(ConfigError) -> T {
        guard let value else { throw missing(key) }
        return value
    }

    // MARK: Integers

    /// The integer at `key`, which must lie in `range`.
    package func int(_ key: String, in range: ClosedRange<Int> = 0...0x7FFF_FFFF) throws(ConfigError) -> Int {
        try required(key, try optionalInt(key, in: range))
    }

    /// The integer at `key`, or `standard` when absent, which may come from other keys and must lie in `range` too.
    package func int(
        _ key: String, default standard: Int, in range: ClosedRange<Int> = 0...0x7FFF_FFFF
    ) throws(ConfigError) -> Int {
        try int(value(key) ?? .int(standard), key, range)
    }

    /// The integer at `key`, or nil when absent.
    package func optionalInt(
        _ key: String, in range: ClosedRange<Int> = 0...0x7FFF_FFFF
    ) throws(ConfigError) -> Int? {
        guard let value = value(key) else { return nil }
        return try int(value, key, range)
    }

    /// The integers at `key`.
    package func ints(_ key: String, in range: ClosedRange<Int> = 0...0x7FFF_FFFF) throws(ConfigError) -> [Int] {
        try required(key, try optionalInts(key, in: range))
    }

    /// The integers at `key`, or nil when absent.
    package func optionalInts(
        _ key: String, in range: ClosedRange<Int> = 0...0x7FFF_FFFF
    ) throws(ConfigError) -> [Int]? {
        try list(key, "a list of integers") { value throws(ConfigError) in try int(value, key, range) }
    }

    /// `count` integers: the list at `key`, or one integer repeated; `standard` repeated when absent.
    package func ints(
        _ key: String, count: Int, default standard: Int? = nil, in range: ClosedRange<Int> = 0...0x7FFF_FFFF
    ) throws(ConfigError) -> [Int] {
        guard let value = value(key) else {
            return [Int](repeating: try required(key, standard), count: count)
        }
        guard case .array(let values) = value else {
            return [Int](repeating: try int(value, key, range), count: count)
        }
        guard values.count == count else { throw mismatch(key, "\(count) integers", value) }
        return try ints(key, in: range)
    }

    /// `counts[i]` integers for each i: entry i of the list at `key`, or the one integer there, is an integer repeated or
    /// a list, whose rest is left; `standard` repeated when absent.
    package func intLists(
        _ key: String, counts: [Int], default standard: Int? = nil, in range: ClosedRange<Int> = 0...0x7FFF_FFFF
    ) throws(ConfigError) -> [[Int]] {
        guard case .array(let entries)? = value(key) else {
            let number = try required(key, try optionalInt(key, in: range) ?? standard)
            return counts.map { [Int](repeating: number, count: $0) }
        }
        guard entries.count == counts.count else {
            throw mismatch(key, "\(counts.count) integers or lists of integers", .array(entries))
        }
        var lists: [[Int]] = []
        for (entry, count) in zip(entries, counts) {
            guard case .array(let values) = entry else {
                lists.append([Int](repeating: try int(entry, key, range), count: count))
                continue
            }
            guard values.count >= count else { throw mismatch(key, "a list of \(count) integers", entry) }
            var list: [Int] = []
            for value in values.prefix(count) { list.append(try int(value, key, range)) }
            lists.append(list)
        }
        return lists
    }

    private func int(_ value: JSON, _ key: String, _ range: ClosedRange<Int>) throws(ConfigError) -> Int {
        guard value.asDouble != nil else { throw mismatch(key, "an integer", value) }
        guard let number = value.asInt, range.contains(number) else {
            throw mismatch(key, "an integer from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return number
    }

    // MARK: Floating point

    /// The finite number at `key`.
    package func double(_ key: String) throws(ConfigError) -> Double { try required(key, try optionalDouble(key)) }

    /// The finite number at `key`, or `standard` when absent.
    package func double(_ key: String, default standard: Double) throws(ConfigError) -> Double {
        try optionalDouble(key) ?? standard
    }

    /// The finite number at `key`, or nil when absent.
    package func optionalDouble(_ key: String) throws(ConfigError) -> Double? {
        guard let value = value(key) else { return nil }
        return try double(value, key)
    }

    /// The finite numbers at `key`, or nil when absent.
    package func optionalDoubles(_ key: String) throws(ConfigError) -> [Double]? {
        try list(key, "a list of numbers") { value throws(ConfigError) in try double(value, key) }
    }

    private func double(_ value: JSON, _ key: String) throws(ConfigError) -> Double {
        guard let number = value.asDouble, number.isFinite else { throw mismatch(key, "a finite number", value) }
        return number
    }

    // MARK: Other values

    /// The flag at `key`, or `standard` when absent.
    package func bool(_ key: String, default standard: Bool) throws(ConfigError) -> Bool {
        guard let value = value(key) else { return standard }
        guard case .bool(let flag) = value else { throw mismatch(key, "true or false", value) }
        return flag
    }

    /// The flag at `key`.
    package func bool(_ key: String) throws(ConfigError) -> Bool {
        guard has(key) else { throw missing(key) }
        return try bool(key, default: false)
    }

    /// The text at `key`.
    package func string(_ key: String) throws(ConfigError) -> String { try required(key, try optionalString(key)) }

    /// The text at `key`, or `standard` when absent.
    package func string(_ key: String, default standard: String) throws(ConfigError) -> String {
        try optionalString(key) ?? standard
    }

    /// The text at `key`, or nil when absent.
    package func optionalString(_ key: String) throws(ConfigError) -> String? {
        guard let value = value(key) else { return nil }
        guard case .string(let text) = value else { throw mismatch(key, "a string", value) }
        return text
    }

    /// The texts at `key`, or nil when absent.
    package func optionalStrings(_ key: String) throws(ConfigError) -> [String]? {
        try list(key, "a list of strings") { value throws(ConfigError) in
            guard case .string(let text) = value else { throw mismatch(key, "a list of strings", value) }
            return text
        }
    }

    /// The texts at `key`.
    package func strings(_ key: String) throws(ConfigError) -> [String] {
        try required(key, try optionalStrings(key))
    }

    /// The case of `T` whose raw value stands at `key`; other values are errors that list the known ones.
    package func named<T: RawRepresentable<String> & CaseIterable>(
        _ key: String, as type: T.Type = T.self
    ) throws(ConfigError) -> T {
        let text = try string(key)
        guard let value = T(rawValue: text) else {
            throw .value(file: file, key: name(key), found: text, known: T.allCases.map(\.rawValue))
        }
        return value
    }

    /// The case of `T` whose raw value stands at `key`, or `standard` when absent.
    package func named<T: RawRepresentable<String> & CaseIterable>(
        _ key: String, default standard: T
    ) throws(ConfigError) -> T {
        has(key) ? try named(key) : standard
    }

    /// The object at `key`.
    package func object(_ key: String) throws(ConfigError) -> ConfigObject {
        try required(key, try optionalObject(key))
    }

    /// The object at `key`, or nil when absent.
    package func optionalObject(_ key: String) throws(ConfigError) -> ConfigObject? {
        guard let value = value(key) else { return nil }
        return try object(value, key)
    }

    /// The objects at `key`, or nil when absent.
    package func optionalObjects(_ key: String) throws(ConfigError) -> [ConfigObject]? {
        var index = 0
        return try list(key, "a list of objects") { value throws(ConfigError) in
            defer { index += 1 }
            return try object(value, "\(key)[\(index)]")
        }
    }

    private func object(_ value: JSON, _ key: String) throws(ConfigError) -> ConfigObject {
        guard case .object(let members) = value else { throw mismatch(key, "an object", value) }
        return ConfigObject(file: file, path: name(key), members: members)
    }

    private func list<T>(
        _ key: String, _ wanted: String, _ element: (JSON) throws(ConfigError) -> T
    ) throws(ConfigError) -> [T]? {
        guard let value = value(key) else { return nil }
        guard case .array(let values) = value else { throw mismatch(key, wanted, value) }
        var result: [T] = []
        result.reserveCapacity(values.count)
        for value in values { result.append(try element(value)) }
        return result
    }
}
