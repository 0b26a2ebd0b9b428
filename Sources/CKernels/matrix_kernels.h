// Kernels under matrix products and convolutions. A matrix product is the convolution of a one-row image with a 1×1
// kernel, so both share a driver: rows of patches are copied ("gathered") as a tile's rows of A, the tile multiplies
// them with packed panels of weights, and the store applies the epilogue.
#ifndef LAZULI_MATRIX_KERNELS_H
#define LAZULI_MATRIX_KERNELS_H

#include "include/matrix.h"

/// Block sizes, BLIS's names in brackets.
typedef struct {
    size_t rows;           // most rows of a tile [MR]
    size_t columns;        // columns of a panel and of a tile [NR]
    size_t depth;          // terms of a sum between two visits of an accumulator, even [KC]
    size_t block_rows;     // rows of a piece of work [MC]
    size_t block_columns;  // columns of a piece of work [NC]
} block_sizes;

/// What A is gathered from: row m of A is the patch under output pixel m, taps outermost, channels innermost.
typedef struct {
    lz_convolution shape;
    size_t out_height, out_width;
    const void *x;
    lz_dtype type;
    size_t pixel_stride;
} patch_source;

/// Where a tile of sums goes.
typedef struct {
    void *y;
    lz_dtype type;
    size_t stride;         // elements between rows
    size_t columns;        // N, the width of sample_bias
    lz_epilogue epilogue;  // scale is never 0 here
} product_target;

/// C[rows][columns] = (accumulate ? C : 0) + A · B for one panel of B: [depth/2][NR][2] for bf16, [depth][NR] for f32.
typedef struct {
    size_t rows, columns, depth;
    const void *a, *b;
    float *c;         // writable up to a whole panel's columns
    size_t c_stride;
    bool accumulate;
} tile_job;

/// The kernels of one weight type.
typedef struct {
    block_sizes blocks;
    size_t a_stride;  // elements between rows of gathered A, at least blocks.depth
    size_t a_size;    // bytes of an element of gathered A
    /// A[0 ..< rows][0 ..< depth] = patches [row + i][k + j], and one column of zeros more when depth is odd.
    void (*gather)(const patch_source *source, size_t row, size_t rows, size_t k, size_t depth, void *a);
    void (*tile)(const tile_job *job);
    /// Y[row + i][column + j] = epilogue(C[i][j]).
    void (*store)(const product_target *target, size_t row, size_t rows, size_t column, size_t columns, const float *c,
                  size_t c_stride);
    /// Runs a register-only multiply-add loop; returns its number of floating-point operations.
    double (*burn)(size_t iterations);
} product_kernels;

typedef struct {
    product_kernels f32, bf16;
    /// Depthwise convolution: sums[rows][channels] of the output pixels from `row` on. Weights [channels][taps].
    void (*depthwise)(const patch_source *source, size_t row, size_t rows, const float *weights, float *sums);
} matrix_kernels;

void lz_matrix_kernels_reference(matrix_kernels *kernels);
void lz_matrix_kernels_avx2(matrix_kernels *kernels);
void lz_matrix_kernels_avx512(matrix_kernels *kernels);
void lz_matrix_kernels_neon(matrix_kernels *kernels);

#endif
