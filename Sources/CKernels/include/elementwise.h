// Norms, softmax, elementwise arithmetic, conversion and resampling. Types are LZ_F32 or LZ_BF16 unless stated;
// arithmetic is in f32, sums of norms in f32 with pairwise or f64 combination. All are threaded over outputs.
#ifndef LAZULI_ELEMENTWISE_H
#define LAZULI_ELEMENTWISE_H

#include "types.h"

/// GroupNorm over a channels-last image X[batch][pixels][channels], weight and bias [channels], then `activation`.
void lz_group_norm(size_t batch, size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype x_type,
                   const float *weight, const float *bias, float eps, lz_activation activation, void *y, lz_dtype y_type);
/// What a group norm needs to know of a group.
typedef struct {
    double count, mean, deviation;  ///< deviation: sum of squared distances from the mean
} lz_moments;

/// The moments of the union of two sets.
void lz_join_moments(lz_moments *into, lz_moments other);
/// Moments[groups] of one channels-last image X[pixels][channels].
void lz_group_moments(size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype x_type,
                      lz_moments *moments);
/// GroupNorm of a part of an image by the moments of the whole.
void lz_group_norm_by(size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype x_type,
                      const lz_moments *moments, const float *weight, const float *bias, float eps,
                      lz_activation activation, void *y, lz_dtype y_type);
/// LayerNorm over rows X[rows][width]; weight and bias [width], each may be NULL.
void lz_layer_norm(size_t rows, size_t width, const void *x, lz_dtype x_type, const float *weight, const float *bias,
                   float eps, void *y, lz_dtype y_type);
/// RMSNorm over rows X[rows][width], `x_stride`/`y_stride` elements between rows; weight [width] or NULL.
void lz_rms_norm(size_t rows, size_t width, const void *x, lz_dtype x_type, size_t x_stride, const float *weight,
                 float eps, void *y, lz_dtype y_type, size_t y_stride);
/// Softmax of every row of X[rows][width] (f32).
void lz_softmax(size_t rows, size_t width, const float *x, float *y);

/// y = activation(x), count elements.
void lz_activate(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y, lz_dtype y_type);
/// Rows X[rows][width]: y = x where x > 0, else slopes[i]·x (He et al. 2015); slopes [width].
void lz_prelu(size_t rows, size_t width, const void *x, lz_dtype x_type, const float *slopes, void *y, lz_dtype y_type);
/// y = a·x + b·z (z NULL: y = a·x). Any mix of LZ_F32 and LZ_BF16.
void lz_blend(size_t count, float a, const void *x, lz_dtype x_type, float b, const void *z, lz_dtype z_type,
              void *y, lz_dtype y_type);
/// y[row][i] = x[row][i] + z[i]: adds one row to all rows.
void lz_add_row(size_t rows, size_t width, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type,
                void *y, lz_dtype y_type);
/// y = x·z elementwise.
void lz_multiply(size_t count, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type, void *y, lz_dtype y_type);
/// Gated unit over rows X[rows][2·width]: y[i] = x[i]·activation(x[width+i]) (GEGLU of diffusers) when `gate_second`,
/// else y[i] = activation(x[i])·x[width+i] (SwiGLU).
void lz_gated(size_t rows, size_t width, lz_activation activation, bool gate_second, const void *x, lz_dtype x_type,
              void *y, lz_dtype y_type);
/// Joins two channels-last tensors along the last axis: y[row] = a[row] ‖ b[row]. All of one type.
void lz_join(size_t rows, size_t a_width, const void *a, size_t b_width, const void *b, void *y, lz_dtype type);
/// Rotary embedding in place on X[tokens][heads][head_size] (token_stride elements between tokens): rotate-half form
/// (pairs i and i + head_size/2) or, when `interleaved`, pairs 2i and 2i+1. cosine and sine: [tokens][head_size/2].
void lz_rotate(size_t tokens, size_t heads, size_t head_size, size_t token_stride, const float *cosine, const float *sine,
               bool interleaved, void *x, lz_dtype type);

/// Conversion between LZ_F32, LZ_F16 and LZ_BF16, round to nearest even, NaN stays NaN.
void lz_convert(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type);
/// Index of the first element that is NaN or ±infinity, or SIZE_MAX. Types as lz_convert.
size_t lz_first_non_finite(size_t count, const void *x, lz_dtype type);

/// Resampling filter of lz_resize: Pillow's (support scales with the shrink factor; a = −0.5 for bicubic).
typedef enum { LZ_NEAREST = 0, LZ_BILINEAR = 1, LZ_BICUBIC = 2, LZ_LANCZOS = 3, LZ_BOX = 4 } lz_filter;
/// Resizes an interleaved 8-bit image X[h][w][channels] to Y[oh][ow][channels], equal to Pillow's `resize` with the same
/// filter (fixed-point coefficients of 22 bits, two passes in the order of Pillow 13). false when memory runs out.
bool lz_resize_u8(size_t channels, size_t h, size_t w, const uint8_t *x, size_t oh, size_t ow, uint8_t *y, lz_filter filter);
/// The same on f32 (Pillow's mode F arithmetic).
bool lz_resize_f32(size_t channels, size_t h, size_t w, const float *x, size_t oh, size_t ow, float *y, lz_filter filter);

#endif
