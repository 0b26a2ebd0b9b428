// Quantised products with Advanced SIMD, without and with its 8-bit dot products (ARMv8.2 and later).
#ifndef LAZULI_QUANTISED_NEON_H
#define LAZULI_QUANTISED_NEON_H

#include "../vector_kernels.h"

void quantised_kernels_neon(vector_kernels *kernels);
void quantised_kernels_neon_dot(vector_kernels *kernels);

#endif
