#include "../vector_kernels.h"

void lz_vector_kernels_avx512(vector_kernels *kernels) { (void)kernels; }
