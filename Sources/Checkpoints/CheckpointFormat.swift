// What a file is, by its first bytes: the name is never trusted.

/// The two readable kinds of model file.
package enum CheckpointFormat: Sendable {
    case safetensors, gguf

    /// Recognises `file`; throws the reason, with its remedy, for the kinds that are met in practice and refused.
    package init(of file: MappedFile) throws(CheckpointError) {
        let bytes = file.bytes
        guard !bytes.isEmpty else { throw .empty(file: file.path) }
        func starts(_ prefix: String) -> Bool { bytes.starts(with: prefix.utf8) }

        if starts("GGUF") || starts("FUGG") {
            self = .gguf
        } else if starts("version https://git-lfs") {
            throw .pointer(file: file.path)
        } else if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[4..<8].allSatisfy({ $0 == 0 }) {
            // Before pickles: a header of 640 bytes begins with 80 02 like one.
            self = .safetensors
        } else if starts("PK\u{3}\u{4}") || (bytes[0] == 0x80 && bytes.count > 1 && (2...5).contains(bytes[1])) {
            throw .pickle(file: file.path)
        } else if Self.isMarkup(bytes) {
            throw .webPage(file: file.path)
        } else if file.path.hasSuffix(".safetensors") {
            self = .safetensors
        } else if Self.pickleEndings.contains(where: { file.path.hasSuffix($0) }) {
            throw .pickle(file: file.path)
        } else {
            throw .unrecognised(file: file.path, firstBytes: Array(bytes.prefix(8)))
        }
    }

    /// Names that pickles of weights go by.
    static let pickleEndings = [".bin", ".ckpt", ".pt", ".pth", ".pkl"]

    private static func isMarkup(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let text = String(decoding: bytes.prefix(512), as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        let start = text.prefix(9).lowercased()
        return start.hasPrefix("<!doctype") || start.hasPrefix("<html") || start.hasPrefix("<?xml")
    }
}
