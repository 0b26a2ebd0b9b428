import Foundation

/// Standard output for results, standard error for everything else.
enum Console {
    /// Fills the standard descriptors that the caller closed: the next file would get their numbers, and with them what
    /// is printed. Writing to the stand-ins fails as it would have.
    static func holdDescriptors() {
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDONLY) }
    }

    /// A line on standard error.
    static func say(_ line: String) {
        draw(printable(line) + "\n")
    }

    /// Text on standard error as it is; nobody can be told that it failed.
    static func draw(_ text: String) {
        _ = write(Array(text.utf8), to: STDERR_FILENO)
    }

    /// A result on standard output: one that did not get there is a failure.
    static func print(_ result: some CustomStringConvertible) throws {
        let text = isatty(STDOUT_FILENO) == 1 ? printable("\(result)") : "\(result)"
        guard write(Array("\(text)\n".utf8), to: STDOUT_FILENO) else {
            throw Failure(Exit.output, "Standard output cannot be written: \(String(cString: strerror(errno))).")
        }
    }

    /// Bytes on standard output, nothing before or after them.
    static func write(_ bytes: [UInt8]) throws {
        guard write(bytes, to: STDOUT_FILENO) else {
            throw Failure(Exit.output, "Standard output cannot be written: \(String(cString: strerror(errno))).")
        }
    }

    /// The text without what would steer a terminal: prompts and recipes come from others.
    static func printable(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
            shown.append(isControl ? "\u{FFFD}" : scalar)
        }
        return String(shown)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { return false }
            rest = rest.dropFirst(max(count, 0))
        }
        return true
    }

    /// A result as JSON on standard output.
    static func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    static var isTerminal: Bool { isatty(2) == 1 }
}
