import CKernelChecks
import CKernels
import Testing

extension KernelTests {
    /// Elementwise arithmetic, activations and conversion.
    @Suite struct ElementwiseTests {
        @Test(arguments: KernelTests.tables)
        func `every count up to two vectors, all types, nothing written beyond`(table: String) {
            #expect(lz_select_kernels(table))
            for count in Array(1...67) + [1000] { expect(table) { check_elementwise(count, $0, $1) } }
        }

        @Test(arguments: KernelTests.tables)
        func `activations are within two millionths and keep NaN`(table: String) {
            #expect(lz_select_kernels(table))
            expect(table) { check_activations($0, $1) }
        }

        @Test(arguments: KernelTests.tables)
        func `conversion keeps every 16-bit pattern and rounds to nearest even`(table: String) {
            #expect(lz_select_kernels(table))
            expect(table) { check_conversion($0, $1) }
        }

        @Test(arguments: KernelTests.tables)
        func `the first value that is not finite is found wherever it is`(table: String) {
            #expect(lz_select_kernels(table))
            expect(table) { check_finite(70, $0, $1) }
            var many = [Float](repeating: 1, count: 300_000)
            many[299_999] = .infinity
            #expect(lz_first_non_finite(many.count, many, LZ_F32) == 299_999)
            many[200_000] = .nan
            #expect(lz_first_non_finite(many.count, many, LZ_F32) == 200_000)
        }
    }
}
