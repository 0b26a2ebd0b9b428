// Block sizes of every table, BLIS's MR, NR, KC, MC and NC in this order. Of a piece of work, depth × block_columns
// weights and block_rows × block_columns f32 sums stay in L2, and rows × depth elements of A in L1.
#ifndef LAZULI_BLOCKS_H
#define LAZULI_BLOCKS_H

#include "matrix_kernels.h"

// 16 registers of 8 floats: 12 sums, 2 of B, 1 of A. L1 32 KiB, L2 256 KiB (Haswell).
#define AVX2_ROWS 6
#define AVX2_COLUMNS 16
#define AVX2_DEPTH 384

// 32 registers of 16 floats: 28 sums, 2 of B, 2 of A. L1 32 KiB, L2 1 MiB (Skylake-X, Zen 4 and 5).
#define AVX512_ROWS 14
#define AVX512_COLUMNS 32
#define AVX512_DEPTH 384

// 32 registers of 4 floats: 24 sums, 4 of B, 1 of A. L1 64 KiB, L2 512 KiB (Cortex-A76, Neoverse N1).
#define NEON_ROWS 6
#define NEON_COLUMNS 16
#define NEON_DEPTH 384

// Small and odd, so that small tests cross every boundary.
static const block_sizes reference_blocks = {3, 8, 64, 12, 16};

static const block_sizes avx2_blocks = {AVX2_ROWS, AVX2_COLUMNS, AVX2_DEPTH, 144, 128};
static const block_sizes avx512_blocks = {AVX512_ROWS, AVX512_COLUMNS, AVX512_DEPTH, 224, 320};
static const block_sizes avx512_bf16_blocks = {AVX512_ROWS, AVX512_COLUMNS, AVX512_DEPTH, 280, 448};
static const block_sizes neon_blocks = {NEON_ROWS, NEON_COLUMNS, NEON_DEPTH, 144, 128};

#endif
