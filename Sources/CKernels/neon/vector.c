// Advanced SIMD: four lanes.
#include "../vector_kernels.h"

#if defined(__aarch64__)
#define LANES 4
#define ATTENTION_ROWS 12  // keys or channels of a tile; two vectors of sums each

#include "../lanes/attention_f32.h"
#include "../lanes/attention.h"
#include "../lanes/attention_row.h"
#include "../lanes/elementwise.h"
#include "../lanes/norms.h"

void lz_vector_kernels_neon(vector_kernels *kernels) {
    lanes_attention(kernels);
    lanes_elementwise(kernels);
    lanes_norms(kernels);
}
#endif
