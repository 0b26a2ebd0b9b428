import CKernelChecks
import CKernels
import Testing

extension KernelTests {
    /// Attention against a double reference that stores every score.
    @Suite struct AttentionTests {
        @Test(arguments: KernelTests.tables)
        func `random shapes, masks and grouped heads are right`(table: String) {
            #expect(lz_select_kernels(table))
            for seed in UInt64(0)..<200 {
                var test = random_attention(seed)
                expect("\(table) seed \(seed)") { check_attention(&test, $0, $1) }
            }
        }

        @Test(arguments: KernelTests.tables)
        func `every head size up to 33 and those of the models are right`(table: String) {
            #expect(lz_select_kernels(table))
            for size in Array(1...33) + [40, 64, 80, 128, 160, 512] {
                for type in [LZ_F32, LZ_BF16] {
                    for (queries, keys) in [(1, 37), (9, 37), (70, 101)] {
                        var test = attention_case(
                            batch: 1, heads: 2, kv_heads: 1, queries: queries, keys: keys, head_size: size, padding: 1,
                            scale: 1 / Float(size).squareRoot(), causal: size % 2 == 0, bias: BIAS_NONE, type: type)
                        expect(table) { check_attention(&test, $0, $1) }
                    }
                }
            }
        }

        @Test(arguments: KernelTests.tables)
        func `a key-value cache longer than the queries is seen whole`(table: String) {
            #expect(lz_select_kernels(table))
            for (queries, keys) in [(1, 1), (1, 700), (3, 700), (5, 700), (40, 600), (60, 20)] {
                for type in [LZ_F32, LZ_BF16] {
                    var test = attention_case(
                        batch: 2, heads: 4, kv_heads: 2, queries: queries, keys: keys, head_size: 64, padding: 0,
                        scale: 0.125, causal: true, bias: BIAS_NONE, type: type)
                    expect(table) { check_attention(&test, $0, $1) }
                }
            }
        }

        @Test(arguments: KernelTests.tables)
        func `the number of threads changes no bit`(table: String) {
            #expect(lz_select_kernels(table))
            for seed in UInt64(1000)..<1060 {
                var test = random_attention(seed)
                expect("\(table) seed \(seed)") { check_attention_threads(&test, $0, $1) }
            }
            var long = attention_case(
                batch: 1, heads: 2, kv_heads: 2, queries: 600, keys: 300, head_size: 40, padding: 0, scale: 0.16,
                causal: false, bias: BIAS_NONE, type: LZ_BF16)
            expect(table) { check_attention_threads(&long, $0, $1) }
        }
    }
}
