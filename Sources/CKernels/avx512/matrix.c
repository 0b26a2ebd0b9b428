#include "../matrix_kernels.h"

void lz_matrix_kernels_avx512(matrix_kernels *kernels) { (void)kernels; }
