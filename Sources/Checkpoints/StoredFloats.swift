// Floats of 64 and of 8 bits, in which some checkpoints are stored and nothing is computed.
//
// 8 bits  Micikevicius et al. 2022, https://arxiv.org/abs/2209.05433: E5M2 is the upper half of a float16; E4M3 has no
//         infinity, and NaN only where all seven bits are set.

extension CheckpointStore.Entry {
    /// The elements of a float type that no kernel reads, times `scale`, in stored order.
    func converted(scale: Float = 1) -> [Float] {
        let bytes = bytes
        let values: [Float]
        switch type {
        case .f64:
            values = (0..<bytes.count / 8).map {
                let bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
                return Float(Double(bitPattern: bits)) * scale
            }
        case .f8_e4m3, .f8_e5m2:
            let table = (0...255).map { (type == .f8_e4m3 ? float(e4m3: $0) : float(e5m2: $0)) * scale }
            values = bytes.map { table[Int($0)] }
        default: preconditionFailure("\(type) is read by kernels")
        }
        return withExtendedLifetime(file) { values }
    }
}

private func float(e4m3 byte: UInt8) -> Float {
    guard byte & 0x7F != 0x7F else { return .nan }
    let exponent = Int(byte >> 3 & 0xF), fraction = Float(byte & 7) / 8
    let size = exponent == 0 ? fraction * 0x1p-6 : Float(sign: .plus, exponent: exponent - 7, significand: 1 + fraction)
    return byte & 0x80 == 0 ? size : -size
}

private func float(e5m2 byte: UInt8) -> Float {
    let exponent = Int(byte >> 2 & 0x1F), fraction = Float(byte & 3) / 4
    let size: Float =
        switch exponent {
        case 0: fraction * 0x1p-14
        case 31: fraction == 0 ? .infinity : .nan
        default: Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
        }
    return byte & 0x80 == 0 ? size : -size
}
