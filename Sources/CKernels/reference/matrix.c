#include "../matrix_kernels.h"

void lz_matrix_kernels_reference(matrix_kernels *kernels) { *kernels = (matrix_kernels){0}; }
