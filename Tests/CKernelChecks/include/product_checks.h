// Checks of products and convolutions against double precision. In C, so that the same checks run under an emulator of
// another instruction set, where there is no Swift.
#ifndef LAZULI_PRODUCT_CHECKS_H
#define LAZULI_PRODUCT_CHECKS_H

#include "CKernels.h"

typedef enum { RESIDUAL_NONE, RESIDUAL_F32, RESIDUAL_BF16, RESIDUAL_IN_PLACE } residual_kind;

/// One call of lz_matmul or lz_convolve and everything around it.
typedef struct {
    bool is_matrix;        ///< lz_matmul of [width][in_channels], else lz_convolve
    bool is_depthwise;     ///< lz_convolve_depthwise
    lz_convolution shape;
    lz_dtype weights, x, y;
    size_t x_padding, y_padding;  ///< elements between rows beyond the row; poisoned with NaN in X, guarded in Y
    bool bias, sample_bias;
    lz_activation activation;
    float scale;
    residual_kind residual;
} product_case;

/// A matrix product of M×K by K×N, all else plain.
product_case matrix_case(size_t m, size_t n, size_t k, lz_dtype weights, lz_dtype x, lz_dtype y);
/// Draws case number `seed` of all that are legal and small.
product_case random_case(uint64_t seed);

/// Runs the case and compares every output with double precision. false: `message` tells the first difference.
bool check_product(const product_case *test, char *message, size_t size);
/// Runs the case on 1, 2 and 3 threads; false if any byte of the output differs.
bool check_threads(const product_case *test, char *message, size_t size);
/// Packs weights N×K of `type` as `as` and unpacks them; false if anything but the rounding changed.
bool check_packing(size_t n, size_t k, lz_dtype type, lz_dtype as);
/// Every product check that a table needs, for programs without a test library. Returns the number of failures.
size_t check_all_products(void);

#endif
