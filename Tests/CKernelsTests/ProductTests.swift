import CKernelChecks
import CKernels
import Testing

extension KernelTests {
    /// Matrix products and convolutions against double precision, with padding poisoned by NaN.
    @Suite struct ProductTests {
        static let types = [LZ_F32, LZ_BF16]

        /// A check that explains itself in a message when it fails.
        func expect(
            _ check: (UnsafePointer<product_case>?, UnsafeMutablePointer<CChar>?, Int) -> Bool, _ test: product_case,
            _ name: String, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            var test = test
            var message = [CChar](repeating: 0, count: 256)
            let right = check(&test, &message, message.count)
            let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(right, "\(name): \(text)", sourceLocation: sourceLocation)
        }

        @Test(arguments: KernelTests.tables)
        func `matrix products of every size up to two tiles are right`(table: String) {
            #expect(lz_select_kernels(table))
            for weights in Self.types {
                for x in Self.types {
                    for y in Self.types {
                        for size in 0...67 {
                            var cases = [
                                matrix_case(size, 33, 70, weights, x, y),
                                matrix_case(5, size, 70, weights, x, y),
                                matrix_case(15, 17, size, weights, x, y),
                                matrix_case(3, 5, 10 * size, weights, x, y),
                            ]
                            for i in cases.indices {
                                cases[i].x_padding = size % 3
                                cases[i].y_padding = size % 5
                                expect(check_product, cases[i], "\(table) case \(i) size \(size) \(weights) \(x) \(y)")
                            }
                        }
                    }
                }
            }
        }

        @Test(arguments: KernelTests.tables)
        func `convolutions of random geometry, types and epilogue are right`(table: String) {
            #expect(lz_select_kernels(table))
            for seed in UInt64(0)..<250 { expect(check_product, random_case(seed), "\(table) seed \(seed)") }
        }

        @Test(arguments: KernelTests.tables)
        func `sums over many blocks of K are right`(table: String) {
            #expect(lz_select_kernels(table))
            for weights in Self.types {
                for k in [513, 1024, 2881] {
                    expect(check_product, matrix_case(29, 35, k, weights, LZ_BF16, LZ_F32), "\(table) K \(k)")
                }
            }
        }

        @Test(arguments: KernelTests.tables)
        func `the number of threads changes no bit`(table: String) {
            #expect(lz_select_kernels(table))
            for seed in UInt64(0)..<100 { expect(check_threads, random_case(seed), "\(table) seed \(seed)") }
            expect(check_threads, matrix_case(130, 300, 600, LZ_BF16, LZ_BF16, LZ_BF16), "\(table) large")
            expect(check_threads, matrix_case(2, 500, 700, LZ_F32, LZ_F32, LZ_F32), "\(table) flat")
        }

        @Test(arguments: KernelTests.tables)
        func `packing keeps every weight`(table: String) {
            #expect(lz_select_kernels(table))
            for n in stride(from: 1, to: 70, by: 11) {
                for type in Self.types {
                    for packed in Self.types { #expect(check_packing(n, n + 2, type, packed), "\(table) \(n)") }
                }
            }
        }

        @Test func `weights stay usable when another table is chosen`() {
            let weights: [Float] = [1, 2, 3, 4, 5, 6]
            let x: [Float] = [1, 10, 100]
            for first in KernelTests.tables {
                #expect(lz_select_kernels(first))
                let packed = lz_pack_matrix(weights, LZ_F32, 2, 3, 3, LZ_F32)
                for second in KernelTests.tables {
                    #expect(lz_select_kernels(second))
                    var y: [Float] = [0, 0]
                    lz_matmul(1, x, LZ_F32, 3, packed, &y, LZ_F32, 2, nil)
                    #expect(y == [321, 654], "\(first) then \(second)")
                }
                lz_packed_free(packed)
            }
        }
    }
}
