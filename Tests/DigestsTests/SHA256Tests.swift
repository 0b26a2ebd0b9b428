import Digests
import Testing

@Suite struct SHA256Tests {
    /// Examples of FIPS 180-4 and its test vectors.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ]) func `published examples agree`(_ text: String, _ digest: String) {
        #expect(SHA256.hexadecimal(of: text.utf8) == digest)
        #expect(SHA256.hexadecimal(of: Array(text.utf8)) == digest)
    }

    @Test func `a million letters agree`() {
        var digest = SHA256()
        for _ in 0..<1000 { digest.update([UInt8](repeating: UInt8(ascii: "a"), count: 1000)) }
        #expect(digest.hexadecimal() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `pieces of any length give the digest of the whole`() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let whole = SHA256.hexadecimal(of: bytes)
        for length in 1...130 {
            var digest = SHA256()
            for start in stride(from: 0, to: bytes.count, by: length) {
                digest.update(bytes[start..<min(start + length, bytes.count)])
                digest.update([])
            }
            #expect(digest.hexadecimal() == whole)
        }
        let scattered: ReversedCollection<[UInt8]> = Array(bytes.reversed()).reversed()
        #expect(SHA256.hexadecimal(of: scattered) == whole)
    }
}
