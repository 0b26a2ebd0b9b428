// GGUF block formats: dequantisation and products that read the blocks as they lie in the file.
#ifndef LAZULI_QUANTISED_H
#define LAZULI_QUANTISED_H

#include "types.h"

/// Values are GGML's type numbers, as found in GGUF files.
typedef enum {
    LZ_Q4_0 = 2, LZ_Q4_1 = 3, LZ_Q5_0 = 6, LZ_Q5_1 = 7, LZ_Q8_0 = 8, LZ_Q4_K = 12, LZ_Q5_K = 13, LZ_Q6_K = 14,
} lz_quantisation;

size_t lz_block_elements(lz_quantisation type);  ///< 32 or 256; 0 for an unknown type
size_t lz_block_bytes(lz_quantisation type);

/// Dequantises `count` elements (a multiple of the block) to f32 or bf16.
void lz_dequantise(lz_quantisation type, size_t count, const void *blocks, void *y, lz_dtype y_type);

/// Y[M][N] = X[M][K] · W[N][K]ᵀ (+ bias[N]); W rows are runs of blocks (K a multiple of the block), X and Y f32 with row strides.
/// M small: streams W once and is bound by memory (X quantised to 8 bits per row of blocks, integer dot products where the
/// CPU has them); M large: dequantises panels of W and uses the bf16 or f32 micro-kernel. Threaded over N.
/// `exact`: no rounding of X (f32 arithmetic), for the reference path.
void lz_matmul_quantised(size_t m, size_t n, size_t k, const float *x, size_t x_stride, lz_quantisation type,
                         const void *weights, float *y, size_t y_stride, const float *bias, bool exact);

#endif
