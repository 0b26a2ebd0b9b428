// AVX-512: sixteen lanes.
#include "../vector_kernels.h"

#if defined(__x86_64__)
#include "../avx2/quantised.h"
#include "attention_bf16.h"
#include "quantised.h"
#include "vector_bf16.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), \
                             apply_to = function)

#define LANES 16
#define ATTENTION_ROWS 12  // keys or channels of a tile; two vectors of sums each

#include "../lanes/attention_f32.h"
#include "../lanes/attention.h"
#include "../lanes/attention_row_f32.h"
#include "../lanes/attention_row.h"
#include "../lanes/elementwise.h"
#include "../lanes/norms.h"

#pragma clang attribute pop

static void attend_bf16(const attention_block *block, void *scratch) {
    if (block->type == LZ_BF16)
        attend_bf16_avx512(block, scratch);
    else
        attend(block, scratch);
}

static size_t attention_scratch_bf16(const lz_attention *shape, lz_dtype type) {
    return type == LZ_BF16 ? attention_scratch_bf16_avx512(shape) : attention_scratch(shape, type);
}

void lz_vector_kernels_avx512(vector_kernels *kernels) {
    lanes_attention(kernels);
    lanes_elementwise(kernels);
    lanes_norms(kernels);
    if (__builtin_cpu_supports("avx512vnni"))
        quantised_kernels_avx512(kernels);
    else
        quantised_kernels_avx2(kernels);
    if (__builtin_cpu_supports("avx512bf16")) {
        vector_kernels_bf16_avx512(kernels);
        kernels->attend = attend_bf16;
        kernels->attention_scratch = attention_scratch_bf16;
    }
}
#endif
