import Testing

/// Runs a check of CKernelChecks that explains itself when it fails.
func expect(
    _ name: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
    _ check: (UnsafeMutablePointer<CChar>, Int) -> Bool
) {
    var message = [CChar](repeating: 0, count: 512)
    let right = message.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.map { check($0, buffer.count) } ?? false
    }
    let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #expect(right, "\(name()): \(text)", sourceLocation: sourceLocation)
}
