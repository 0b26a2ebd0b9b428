// Quantised products with AVX-512 VNNI.
#ifndef LAZULI_QUANTISED_AVX512_H
#define LAZULI_QUANTISED_AVX512_H

#include "../vector_kernels.h"

void quantised_kernels_avx512(vector_kernels *kernels);

#endif
