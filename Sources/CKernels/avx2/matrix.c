// AVX2 with FMA: tiles of 6×16 (12 of 16 registers hold sums). Gathered A is f32; for bf16 weights it is rounded to
// bf16 and widened again, and the weights are widened in registers, at about the speed of f32.
#include "../blocks.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define LANES 8
#define TILE_ROWS AVX2_ROWS
#define TILE_COLUMNS AVX2_COLUMNS
enum { a_stride = AVX2_DEPTH + 16 };

#include "../lanes/matrix.h"

#pragma clang attribute pop

void lz_matrix_kernels_avx2(matrix_kernels *kernels) { fill_kernels(kernels, avx2_blocks); }
#endif
