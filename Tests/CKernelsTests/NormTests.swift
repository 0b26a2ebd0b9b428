import CKernelChecks
import CKernels
import Testing

extension KernelTests {
    /// Norms and softmax against double precision.
    @Suite struct NormTests {
        @Test(arguments: KernelTests.tables)
        func `rows of every width up to two vectors and more are right`(table: String) {
            #expect(lz_select_kernels(table))
            for width in Array(1...67) + [127, 320, 1280, 2049] {
                for (x, y) in [(LZ_F32, LZ_F32), (LZ_BF16, LZ_BF16), (LZ_BF16, LZ_F32), (LZ_F32, LZ_BF16)] {
                    expect(table) { check_rows(width, x, y, $0, $1) }
                }
            }
        }

        @Test(arguments: KernelTests.tables)
        func `group norm is right for odd shapes, many groups and large images`(table: String) {
            #expect(lz_select_kernels(table))
            let shapes = [
                (1, 1, 1, 1), (2, 3, 6, 3), (1, 65, 33, 11), (3, 7, 130, 2), (1, 1000, 32, 32), (2, 4096, 32, 8),
                (1, 20000, 16, 4), (1, 3, 2500, 2500), (5, 2, 900, 300),
            ]
            for (batch, pixels, channels, groups) in shapes {
                for type in [LZ_F32, LZ_BF16] {
                    for activation in [LZ_IDENTITY, LZ_SILU, LZ_GELU] {
                        expect(table) {
                            check_group_norm(batch, pixels, channels, groups, 0.5, type, activation, $0, $1)
                        }
                    }
                }
            }
        }

        @Test(arguments: KernelTests.tables, [100, -3000, 10000] as [Float])
        func `a large mean does not cancel the variance`(table: String, mean: Float) {
            #expect(lz_select_kernels(table))
            expect(table) { check_group_norm(1, 3000, 64, 16, mean, LZ_F32, LZ_IDENTITY, $0, $1) }
        }
    }
}
