import CKernelChecks
import CKernels
import Testing

extension KernelTests {
    /// Quantised blocks against gguf-py, and products with them against double precision.
    @Suite struct QuantisedTests {
        static let types = [LZ_Q4_0, LZ_Q4_1, LZ_Q5_0, LZ_Q5_1, LZ_Q8_0, LZ_Q4_K, LZ_Q5_K, LZ_Q6_K]

        @Test(arguments: KernelTests.tables)
        func `dequantised values equal those of gguf-py bit for bit`(table: String) throws {
            #expect(lz_select_kernels(table))
            var golden = try Golden("quantised.bin")
            var read = 0
            while !golden.isAtEnd {
                let header = golden.nextCounts(3)
                let type = lz_quantisation(rawValue: UInt32(header[0]))
                let blocks = golden.next(header[2], of: UInt8.self)
                let expected = golden.next(header[1], of: Float.self)
                #expect(header[1] / lz_block_elements(type) * lz_block_bytes(type) == header[2])
                var values = [Float](repeating: 0, count: header[1])
                lz_dequantise(type, values.count, blocks, &values, LZ_F32)
                #expect(values.map(\.bitPattern) == expected.map(\.bitPattern), "\(table) type \(header[0])")
                var narrow = [UInt16](repeating: 0, count: header[1])
                var rounded = narrow
                lz_dequantise(type, narrow.count, blocks, &narrow, LZ_BF16)
                lz_convert(expected.count, expected, LZ_F32, &rounded, LZ_BF16)
                #expect(narrow == rounded, "\(table) type \(header[0])")
                read += 1
            }
            #expect(read == Self.types.count)
        }

        @Test(arguments: KernelTests.tables)
        func `products of few and many rows are right`(table: String) {
            #expect(lz_select_kernels(table))
            for type in Self.types {
                for exact in [false, true] {
                    for (m, n, blocks) in [
                        (1, 1, 1), (1, 9, 3), (2, 5, 7), (4, 6, 4), (7, 3, 5), (9, 70, 2), (260, 70, 1),
                    ] {
                        expect(table) { check_quantised(type, m, n, blocks, exact, $0, $1) }
                    }
                }
            }
        }

        @Test(arguments: KernelTests.tables)
        func `NaN and infinity in the input reach the output`(table: String) {
            #expect(lz_select_kernels(table))
            var blocks = [UInt8](repeating: 0x77, count: 3 * lz_block_bytes(LZ_Q8_0))
            for block in 0..<3 { (blocks[34 * block], blocks[34 * block + 1]) = (0, 0x3c) }
            for bad in [Float.nan, .infinity] {
                for exact in [false, true] {
                    var x = [Float](repeating: 1, count: 96)
                    x[50] = bad
                    var y: [Float] = [0]
                    lz_matmul_quantised(1, 1, 96, x, 96, LZ_Q8_0, blocks, &y, 1, nil, exact)
                    #expect(!y[0].isFinite)
                }
            }
        }

        @Test func `an unknown type has no blocks`() {
            let unknown = lz_quantisation(rawValue: 99)
            #expect(lz_block_elements(unknown) == 0)
            #expect(lz_block_bytes(unknown) == 0)
        }
    }
}
