// Quantised products with AVX2.
#ifndef LAZULI_QUANTISED_AVX2_H
#define LAZULI_QUANTISED_AVX2_H

#include "../vector_kernels.h"

void quantised_kernels_avx2(vector_kernels *kernels);

#endif
