// bf16 dot products: tiles of 14×32. A word of A holds two consecutive k of one row, a word of B two of one column;
// `vdpbf16ps` multiplies both pairs and adds the two products to an f32 sum.
#include "../blocks.h"

#if defined(__x86_64__)
#include "matrix_bf16.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma"))), \
                             apply_to = function)

#define LANES 16
#define HARDWARE_BF16
#define TILE_ROWS AVX512_ROWS
#define TILE_COLUMNS AVX512_COLUMNS
enum { a_stride = AVX512_DEPTH + 32 };

#include "../lanes/gather.h"
#include "../lanes/store.h"
#include "../lanes/tile.h"

INLINE vf dot_bf16(vf sum, vu left, vu right) {
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
}

INLINE void multiply_bf16(size_t rows, size_t vectors, const tile_job *job) {
    vf sums[tile_rows][tile_vectors] = {0};
    const uint16_t *a = job->a;
    const uint32_t *b = job->b;
    const size_t depth = job->depth;
    for (size_t k = 0; k < depth; k += 2, b += tile_columns) {
        vu right[tile_vectors];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < vectors; j++) memcpy(&right[j], b + j * LANES, sizeof right[j]);
        prefetch_panel(b, rows, vectors);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++) {
            uint32_t pair;
            memcpy(&pair, a + i * a_stride + k, sizeof pair);
#pragma clang loop unroll(full)
            for (size_t j = 0; j < vectors; j++) sums[i][j] = dot_bf16(sums[i][j], (vu)pair, right[j]);
        }
    }
    store_tile(rows, vectors, sums, job);
}

static void tile_bf16(const tile_job *job) { multiply_tile(multiply_bf16, job); }

static void gather_bf16(const patch_source *source, size_t row, size_t rows, size_t k, size_t depth, void *a) {
    gather(source, row, rows, k, depth, a, operand_bf16);
}

static double burn_bf16(size_t iterations) {
    enum { chains = 24 };
    vf sums[chains] = {0};
    vu pair = (vu)0x3f003f00u;
    __asm__ volatile("" : "+x"(pair));
    for (size_t n = 0; n < iterations; n++) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < chains; i++) sums[i] = dot_bf16(sums[i], pair, pair);
    }
    vf total = sums[0];
    for (size_t i = 1; i < chains; i++) total += sums[i];
    __asm__ volatile("" : : "x"(total));
    return (double)iterations * chains * LANES * 4;
}

#pragma clang attribute pop

product_kernels lz_product_bf16_avx512(void) {
    return (product_kernels){avx512_bf16_blocks, a_stride, sizeof(uint16_t), gather_bf16, tile_bf16, store, burn_bf16};
}
#endif
