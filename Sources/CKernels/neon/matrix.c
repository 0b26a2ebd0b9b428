#include "../matrix_kernels.h"

void lz_matrix_kernels_neon(matrix_kernels *kernels) { (void)kernels; }
