// Elementwise work and norms for CPUs with bf16 instructions.
#ifndef LAZULI_VECTOR_BF16_H
#define LAZULI_VECTOR_BF16_H

#include "../vector_kernels.h"

void vector_kernels_bf16_avx512(vector_kernels *kernels);

#endif
