// Advanced SIMD: four lanes.
#include "../vector_kernels.h"

#if defined(__aarch64__)
#include "quantised.h"

#if defined(__linux__)
#include <sys/auxv.h>
#endif

#define LANES 4
#define ATTENTION_ROWS 12  // keys or channels of a tile; two vectors of sums each

#include "../lanes/attention_f32.h"
#include "../lanes/attention.h"
#include "../lanes/attention_row_f32.h"
#include "../lanes/attention_row.h"
#include "../lanes/elementwise.h"
#include "../lanes/norms.h"

static bool has_dot_products(void) {
#if defined(__linux__)
    return getauxval(AT_HWCAP) >> 20 & 1;  // HWCAP_ASIMDDP
#else
    return true;  // Apple silicon
#endif
}

void lz_vector_kernels_neon(vector_kernels *kernels) {
    lanes_attention(kernels);
    lanes_elementwise(kernels);
    lanes_norms(kernels);
    if (has_dot_products())
        quantised_kernels_neon_dot(kernels);
    else
        quantised_kernels_neon(kernels);
}
#endif
