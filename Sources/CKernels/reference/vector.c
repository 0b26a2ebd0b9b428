// The reference table of vector kernels: complete, plain, the judge of the others.
#include "tables.h"

void lz_vector_kernels_reference(vector_kernels *kernels) {
    reference_elementwise(kernels);
    reference_norms(kernels);
    reference_attention(kernels);
    reference_quantised(kernels);
}
