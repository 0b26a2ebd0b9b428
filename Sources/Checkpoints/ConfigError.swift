package import JSON

/// A configuration file that cannot be read or does not say what is needed.
package enum ConfigError: Error, Equatable, Sendable {
    case file(CheckpointError)
    case json(file: String, JSONFault)
    case missing(file: String, key: String)
    case type(file: String, key: String, expected: String, found: String)
    case value(file: String, key: String, found: String, known: [String])
    case version(file: String, found: Int, known: Int)
}

extension ConfigError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .json(let file, let fault): "\(file): \(fault)"
        case .missing(let file, let key): "\(file): \"\(key)\" is missing"
        case .type(let file, let key, let expected, let found):
            "\(file): \(key.isEmpty ? "the top" : "\"\(key)\"") must be \(expected), found \(found)"
        case .value(let file, let key, let found, let known):
            "\(file): \"\(key)\" is \"\(excerpt(found))\", which is not supported; known: \(known.joined(separator: ", "))"
        case .version(let file, let found, let known):
            "\(file): is of version \(found) and this Lazuli reads versions up to \(known); update Lazuli"
        }
    }
}
