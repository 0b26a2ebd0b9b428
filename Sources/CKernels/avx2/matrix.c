#include "../matrix_kernels.h"

void lz_matrix_kernels_avx2(matrix_kernels *kernels) { (void)kernels; }
