import JSON

/// Whether `name`, which a file gives, is the name of a file beside it: not a path, not a folder, not empty.
///
/// The name is judged and not what it links to: Hugging Face's cache is made of links that lead out of the folder.
func isFileName(_ name: String) -> Bool {
    // Bytes, since a "/" that carries a combining mark is another `Character` and still a separator to the system.
    let bytes = name.utf8
    return (1...255).contains(bytes.count) && !bytes.contains(UInt8(ascii: "/")) && !bytes.contains(0)
        && name != "." && name != ".."
}

extension ConfigObject {
    /// The name of a file at `key`, without a folder.
    package func fileName(_ key: String) throws(ConfigError) -> String {
        let name = try string(key)
        guard isFileName(name) else {
            throw .type(
                file: file, key: key, expected: "the name of a file, without a folder", found: "\"\(excerpt(name))\"")
        }
        return name
    }

    /// Throws where this file, one of Lazuli's own, is of a later version than `known`. Files without the key are of
    /// version 1.
    package func requireVersion(upTo known: Int) throws(ConfigError) {
        let version = try int("version", default: 1, in: 1...Int.max)
        guard version <= known else { throw .version(file: file, found: version, known: known) }
    }
}
