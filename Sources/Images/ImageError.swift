// What can be wrong with a picture. Cases carry facts; the description adds the remedy.

/// A picture that cannot be read or written.
package enum ImageError: Error, Equatable, Sendable {
    case empty
    case unsupported(format: String)
    case unrecognised(firstBytes: [UInt8])
    case truncated(format: String)
    case corrupt(format: String, String)
    case tooLarge(Limit, found: Int, limit: Int)
    case memory(bytes: Int)
    case metadataTooLarge(bytes: Int, limit: Int)
    case metadataText
    case encoding(String)
    /// The thread's work was abandoned while the file was made.
    case stopped

    /// What is limited.
    package enum Limit: String, Sendable {
        case bytes, side, pixels
        case decodedBytes = "decoded bytes"
    }
}

extension ImageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the picture has no bytes"
        case .unsupported(let format): "the picture is \(format), which is not read; send PNG, JPEG or WebP"
        case .unrecognised(let bytes):
            "the data is no known picture format (first bytes "
                + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
                + "); send PNG, JPEG or WebP"
        case .truncated(let format): "the \(format) ends too early; send the whole file"
        case .corrupt(let format, let fact): "the \(format) is damaged: \(fact)"
        case .tooLarge(.side, let found, let most):
            "the picture is \(found) pixels long, more than \(most); scale it down"
        case .tooLarge(let limit, let found, let most):
            "the picture has \(found) \(limit.rawValue), more than \(most); scale it down"
        case .memory(let bytes): "no memory for a picture of \(bytes) bytes; scale it down"
        case .metadataTooLarge(let bytes, let limit):
            "the recipe takes \(bytes) bytes and JPEG has room for \(limit); shorten the prompt or write PNG"
        case .metadataText: "the recipe contains the character U+0000, which PNG text cannot hold"
        case .stopped: "the picture was no longer wanted"
        case .encoding(let fact): "the picture cannot be encoded: \(fact)"
        }
    }
}
