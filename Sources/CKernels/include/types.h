// Element types, activations and the epilogue that every matrix kernel shares.
#ifndef LAZULI_TYPES_H
#define LAZULI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Element type of a buffer. Values are stable: Swift's `DType` mirrors them.
typedef enum {
    LZ_F32 = 0,
    LZ_F16 = 1,
    LZ_BF16 = 2,
} lz_dtype;

/// y = activation(x). `gelu` is the erf form, `gelu_tanh` Hendrycks' tanh approximation, `quick_gelu` x·σ(1.702x).
typedef enum {
    LZ_IDENTITY = 0,
    LZ_SILU = 1,
    LZ_GELU = 2,
    LZ_GELU_TANH = 3,
    LZ_QUICK_GELU = 4,
    LZ_RELU = 5,
    LZ_TANH = 6,
    LZ_SIGMOID = 7,
} lz_activation;

/// What happens to an accumulator before it is stored, in this order:
///   y = activation(acc + bias[n] + sample_bias[m / rows_per_sample][n]);  y = y * scale + residual[m][n]
typedef struct {
    const float *bias;             ///< [N] or NULL
    const float *sample_bias;      ///< [M / rows_per_sample, N] or NULL (time embedding of a ResNet block)
    size_t rows_per_sample;        ///< rows of the output that share one row of sample_bias; unused when it is NULL
    lz_activation activation;
    float scale;                   ///< 1 unless stated; 0 means 1, so that a zeroed struct is the identity
    const void *residual;          ///< [M, N] or NULL; may alias the output
    size_t residual_stride;        ///< elements between rows of residual
    lz_dtype residual_type;        ///< LZ_F32 or LZ_BF16
} lz_epilogue;

#endif
