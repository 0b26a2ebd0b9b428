// AVX-512: tiles of 14×32 (28 of 32 registers hold sums) on f32 multiply-adds. bf16 weights use matrix_bf16.c where the
// CPU has bf16 dot products and are widened in registers elsewhere (Skylake-X to Ice Lake).
#include "../blocks.h"

#if defined(__x86_64__)
#include "matrix_bf16.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)

#define LANES 16
#define TILE_ROWS AVX512_ROWS
#define TILE_COLUMNS AVX512_COLUMNS
enum { a_stride = AVX512_DEPTH + 16 };

#include "../lanes/matrix.h"

#pragma clang attribute pop

void lz_matrix_kernels_avx512(matrix_kernels *kernels) {
    fill_kernels(kernels, avx512_blocks);
    if (__builtin_cpu_supports("avx512bf16")) kernels->bf16 = lz_product_bf16_avx512();
}
#endif
