// Matrix products against weights that were packed once at load.
#ifndef LAZULI_MATRIX_H
#define LAZULI_MATRIX_H

#include "types.h"

/// Weights in the layout that the chosen table's micro-kernel reads. Opaque; made by lz_pack_*; immutable afterwards.
typedef struct lz_packed lz_packed;

/// Packs a row-major weight matrix W[N][K] (out × in, element type `type`, `stride` elements between rows) as `as`
/// (LZ_F32 or LZ_BF16; rounds to nearest even). NULL when memory runs out.
lz_packed *lz_pack_matrix(const void *weights, lz_dtype type, size_t n, size_t k, size_t stride, lz_dtype as);
/// Packs convolution weights W[O][I][KH][KW] (the order of PyTorch checkpoints) the same way.
lz_packed *lz_pack_convolution(const void *weights, lz_dtype type, size_t o, size_t i, size_t kh, size_t kw,
                               lz_dtype as);
/// Copies what the packed form holds back to row-major f32 [N][K] (for convolutions K = KH·KW·I, taps outermost). For
/// tests.
void lz_unpack(const lz_packed *packed, float *out);
void lz_packed_free(lz_packed *packed);
size_t lz_packed_bytes(const lz_packed *packed);
size_t lz_packed_rows(const lz_packed *packed);     ///< N
size_t lz_packed_columns(const lz_packed *packed);  ///< K

/// Y[M][N] = epilogue(X[M][K] · W[N][K]ᵀ). X and Y are row-major with `x_stride` / `y_stride` elements between rows.
/// Types of X and Y: LZ_F32 or LZ_BF16, independently. Packed f32 computes in f32 throughout; packed bf16 rounds X to
/// bf16 and accumulates in f32. Threaded. M = 0, K = 0 are legal. Small M (1...8) must be bandwidth-bound, not
/// compute-bound.
void lz_matmul(size_t m, const void *x, lz_dtype x_type, size_t x_stride, const lz_packed *weights,
               void *y, lz_dtype y_type, size_t y_stride, const lz_epilogue *epilogue);

/// Geometry of a convolution over a channels-last image.
typedef struct {
    size_t batch, height, width;       ///< of the stored input
    size_t in_channels, out_channels;
    size_t kernel_height, kernel_width;
    size_t stride;                     ///< 1 or 2 (any value ≥ 1 must be right)
    size_t pad_top, pad_left, pad_bottom, pad_right;
    size_t upsample;                   ///< nearest-neighbour factor applied to the input as it is read: 1 or 2
} lz_convolution;

size_t lz_convolution_out_height(const lz_convolution *shape);
size_t lz_convolution_out_width(const lz_convolution *shape);

/// Y[B][OH][OW][O] = epilogue(conv(X[B][H][W][I], W)), zero padding, implicit GEMM (no im2col buffer of image size).
/// `x_pixel_stride` / `y_pixel_stride`: elements between neighbouring pixels (≥ channels; allows writing into a slice
/// of a wider channel axis). Threaded. The epilogue's rows are output pixels.
void lz_convolve(const lz_convolution *shape, const void *x, lz_dtype x_type, size_t x_pixel_stride,
                 const lz_packed *weights, void *y, lz_dtype y_type, size_t y_pixel_stride,
                 const lz_epilogue *epilogue);

/// Depthwise convolution, W[C][KH][KW] f32 (checkpoint order, in_channels == out_channels == C), f32 arithmetic.
/// Threaded.
void lz_convolve_depthwise(const lz_convolution *shape, const void *x, lz_dtype x_type, const float *weights,
                           void *y, lz_dtype y_type, const lz_epilogue *epilogue);

#endif
