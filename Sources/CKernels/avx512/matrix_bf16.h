#ifndef LAZULI_AVX512_MATRIX_BF16_H
#define LAZULI_AVX512_MATRIX_BF16_H

#include "../matrix_kernels.h"

/// Products on bf16 dot products: Cooper Lake, Sapphire Rapids, Zen 4 and later.
product_kernels lz_product_bf16_avx512(void);

#endif
