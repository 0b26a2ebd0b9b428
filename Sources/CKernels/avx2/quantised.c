// Quantised products with AVX2: products of bytes are summed in pairs by `vpmaddubsw`, whose 16-bit sums cannot
// overflow with weights of 6 bits or the absolute values of signed ones.
#include "../vector_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include "quantised.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define LANES 8
#include "../lanes/groups.h"

INLINE v8i sum_pairs(__m256i pairs) { return (v8i)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }

enum { zero_of_signed = 0 };

INLINE v8i dot_unsigned(v32b q, const int8_t *x, v8i from) {
    return from + sum_pairs(_mm256_maddubs_epi16((__m256i)q, _mm256_loadu_si256((const __m256i *)x)));
}

INLINE v8i dot_signed(v32b q, const int8_t *x) {
    const __m256i right = _mm256_sign_epi8(_mm256_loadu_si256((const __m256i *)x), (__m256i)q);
    return sum_pairs(_mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)q), right));
}

#include "../lanes/dequantised.h"

#pragma clang attribute pop

void quantised_kernels_avx2(vector_kernels *kernels) { lanes_quantised(kernels); }
#endif
