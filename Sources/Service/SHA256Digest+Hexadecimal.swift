package import Crypto

extension SHA256Digest {
    /// The digest in hexadecimal.
    package var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
