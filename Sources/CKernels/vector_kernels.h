// Kernels on vectors, rows and blocks, one table per instruction set. Each works on a piece that its driver chose; none
// allocates or knows threads. A table starts as a copy of `reference` and overrides what its instruction set does
// better.
#ifndef LAZULI_VECTOR_KERNELS_H
#define LAZULI_VECTOR_KERNELS_H

#include "include/attention.h"
#include "include/elementwise.h"
#include "include/quantised.h"

/// One block of queries of one head. `head` counts query heads; q, k, v, y point at the whole tensors.
typedef struct {
    const lz_attention *shape;
    const void *q, *k, *v;
    void *y;
    lz_dtype type;
    size_t sample, head, query_begin, query_end;
} attention_block;

/// Rows of X as 8-bit integers: x[32·i + j] ≈ scale[i]·value[32·i + j].
typedef struct {
    const int8_t *values;  ///< [M][K], |value| ≤ 127
    const float *scales;  ///< [M][K/32]
    const float *sums;  ///< [M][K/32]: scale × sum of the 32 values
    const int32_t *corrections;  ///< [M][K/4]: −zero × sum of four neighbouring values
} quantised_rows;

typedef struct {
    // Elementwise; types LZ_F32 or LZ_BF16.
    void (*activate)(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y, lz_dtype y_type);
    void (*blend)(size_t count, float a, const void *x, lz_dtype x_type, float b, const void *z, lz_dtype z_type,
                  void *y, lz_dtype y_type);
    void (*multiply)(size_t count, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type, void *y,
                     lz_dtype y_type);
    /// y = value·activation(gate).
    void (*gated)(size_t count, lz_activation activation, const void *value, const void *gate, lz_dtype x_type, void *y,
                  lz_dtype y_type);
    /// All heads of one token.
    void (*rotate)(size_t heads, size_t head_size, const float *cosine, const float *sine, bool interleaved, void *x,
                   lz_dtype type);
    void (*convert)(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type);
    /// One row: y[i] = x[i] where that is positive, else slopes[i]·x[i].
    void (*prelu)(size_t width, const void *x, lz_dtype x_type, const float *slopes, void *y, lz_dtype y_type);
    /// `count` when all are finite.
    size_t (*first_non_finite)(size_t count, const void *x, lz_dtype type);

    // Norms and softmax of one row.
    void (*layer_norm)(size_t width, const void *x, lz_dtype x_type, const float *weight, const float *bias, float eps,
                       void *y, lz_dtype y_type);
    void (*rms_norm)(size_t width, const void *x, lz_dtype x_type, const float *weight, float eps, void *y,
                     lz_dtype y_type);
    void (*softmax)(size_t width, const float *x, float *y);
    /// Per channel: mean and sum of squared deviations over `pixels` rows of X[pixels][stride].
    void (*channel_moments)(size_t pixels, size_t channels, const void *x, lz_dtype x_type, size_t stride, float *mean,
                            float *deviation);
    /// y = activation((x − mean[c])·factor[c] + bias[c]).
    void (*normalise)(size_t pixels, size_t channels, const void *x, lz_dtype x_type, size_t stride, const float *mean,
                      const float *factor, const float *bias, lz_activation activation, void *y, lz_dtype y_type);

    // Attention.
    size_t (*attention_queries)(const lz_attention *shape,
                                lz_dtype type);  ///< queries of a block, from the shape alone
    size_t (*attention_scratch)(const lz_attention *shape,
                                lz_dtype type);  ///< bytes that `attend` needs, 64-byte aligned
    void (*attend)(const attention_block *block, void *scratch);

    // Quantised weights. `y` of dequantise may be LZ_F32 or LZ_BF16.
    void (*dequantise)(lz_quantisation type, size_t count, const void *blocks, void *y, lz_dtype y_type);
    /// Σ x·w in f32 over one row of blocks.
    float (*dot_exact)(lz_quantisation type, size_t k, const void *row, const float *x);
    /// x[k] to values, scales, sums and corrections of one row; `zero` is the zero point of the weights to come.
    void (*quantise_row)(size_t k, int32_t zero, const float *x, int8_t *values, float *scales, float *sums,
                         int32_t *corrections);
    /// y[m·y_stride + n] = X[m]·W[n] for `rows` rows of W that start `row_bytes` apart; M is at most 8.
    void (*dot_rows)(lz_quantisation type, size_t rows, size_t k, const void *w, size_t row_bytes, size_t m,
                     const quantised_rows *x, float *y, size_t y_stride);

    // The vertical pass of lz_resize: y[i] = Σ_j weights[j]·x[j·x_stride + i]; 8-bit weights have 22 fractional bits.
    void (*resample_rows_u8)(size_t width, size_t taps, const int32_t *weights, const uint8_t *x, size_t x_stride,
                             uint8_t *y);
    void (*resample_rows_f32)(size_t width, size_t taps, const double *weights, const float *x, size_t x_stride,
                              float *y);
} vector_kernels;

void lz_vector_kernels_reference(vector_kernels *kernels);
void lz_vector_kernels_avx2(vector_kernels *kernels);
void lz_vector_kernels_avx512(vector_kernels *kernels);
void lz_vector_kernels_neon(vector_kernels *kernels);

#endif
