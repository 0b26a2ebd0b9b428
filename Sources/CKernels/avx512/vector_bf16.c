// What CPUs with bf16 instructions do faster: rounding to bf16, and activations whose results are rounded to it. The
// instruction takes subnormal results as zero, so that conversion, which must be exact, stays as it is.
#include "../vector_kernels.h"

#if defined(__x86_64__)
#include "vector_bf16.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma,f16c"))), \
                             apply_to = function)

#define LANES 16
#define HARDWARE_BF16

#include "../lanes/elementwise.h"
#include "../lanes/norms.h"

#pragma clang attribute pop

void vector_kernels_bf16_avx512(vector_kernels *kernels) {
    const vector_kernels before = *kernels;
    lanes_elementwise(kernels);
    lanes_norms(kernels);
    kernels->convert = before.convert;
}
#endif
