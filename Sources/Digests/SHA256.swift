import CCrypto

/// A SHA-256 under way (FIPS 180-4). It has one owner, who feeds it and then takes the result.
// Sendable: the pointer is this value's alone, which cannot be copied.
package struct SHA256: ~Copyable, @unchecked Sendable {
    private let digest: OpaquePointer

    package init() {
        // Some hundred bytes; libcrypto refuses neither them nor the algorithm.
        guard let digest = lz_sha256_new() else { preconditionFailure("libcrypto has no SHA-256") }
        self.digest = digest
    }

    deinit { lz_sha256_free(digest) }

    /// Adds bytes. O(count), one to two gigabytes a second on a processor with instructions for it.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let isTaken = lz_sha256_update(digest, bytes.baseAddress, bytes.count)
        precondition(isTaken, "libcrypto refuses bytes")
    }

    /// Adds bytes; those of an array or of `Data` are not copied.
    package mutating func update(_ bytes: some Collection<UInt8>) {
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if isContiguous == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// The result in 64 hexadecimal digits.
    package consuming func hexadecimal() -> String {
        var result = [UInt8](repeating: 0, count: 32)
        let isComplete = lz_sha256_final(digest, &result)
        precondition(isComplete, "libcrypto gives no result")
        return result.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The SHA-256 of some bytes in 64 hexadecimal digits.
    package static func hexadecimal(of bytes: some Collection<UInt8>) -> String {
        var digest = SHA256()
        digest.update(bytes)
        return digest.hexadecimal()
    }
}
