// Advanced SIMD: tiles of 6×16 (24 of 32 registers hold sums). Gathered A is f32; for bf16 weights it is rounded to
// bf16 and widened again, and the weights are widened in registers.
#include "../blocks.h"

#if defined(__aarch64__)
#define LANES 4
#define TILE_ROWS NEON_ROWS
#define TILE_COLUMNS NEON_COLUMNS
enum { a_stride = NEON_DEPTH + 16 };

#include "../lanes/matrix.h"

void lz_matrix_kernels_neon(matrix_kernels *kernels) { fill_kernels(kernels, neon_blocks); }
#endif
