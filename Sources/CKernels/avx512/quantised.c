// Quantised products with 8-bit dot products on 256-bit registers: a group of 32 weights fills one, and Zen 4 runs two
// of them as fast as one of 512 bits.
#include "../vector_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include "quantised.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"))), \
                             apply_to = function)

#define LANES 8
#include "../lanes/groups.h"

enum { zero_of_signed = 128 };

INLINE v8i dot_unsigned(v32b q, const int8_t *x, v8i from) {
    return (v8i)_mm256_dpbusd_epi32((__m256i)from, (__m256i)q, _mm256_loadu_si256((const __m256i *)x));
}

INLINE v8i dot_signed(v32b q, const int8_t *x) { return dot_unsigned(q ^ 0x80, x, (v8i){0}); }

#include "../lanes/dequantised.h"

#pragma clang attribute pop

void quantised_kernels_avx512(vector_kernels *kernels) { lanes_quantised(kernels); }
#endif
