// Advanced SIMD: four lanes.
#include "../vector_kernels.h"

#if defined(__aarch64__)
#define LANES 4

#include "../lanes/elementwise.h"
#include "../lanes/norms.h"

void lz_vector_kernels_neon(vector_kernels *kernels) {
    lanes_elementwise(kernels);
    lanes_norms(kernels);
}
#endif
