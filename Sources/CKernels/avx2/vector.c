// AVX2 and FMA: eight lanes.
#include "../vector_kernels.h"

#if defined(__x86_64__)
#include "quantised.h"
#define LANES 8
#define ATTENTION_ROWS 6  // keys or channels of a tile; two vectors of sums each
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "../lanes/attention_f32.h"
#include "../lanes/attention.h"
#include "../lanes/attention_row_f32.h"
#include "../lanes/attention_row.h"
#include "../lanes/elementwise.h"
#include "../lanes/norms.h"

void lz_vector_kernels_avx2(vector_kernels *kernels) {
    lanes_attention(kernels);
    lanes_elementwise(kernels);
    lanes_norms(kernels);
    quantised_kernels_avx2(kernels);
}

#pragma clang attribute pop
#endif
