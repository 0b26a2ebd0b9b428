// Quantised products with Advanced SIMD's 8-bit dot products: Cortex-A76, Neoverse N1 and Apple's A11 onwards.
#include "../vector_kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include "quantised.h"
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#define LANES 4
#include "../lanes/groups.h"

enum { zero_of_signed = 0 };

INLINE v8i dot_unsigned(v32b q, const int8_t *x, v8i from) {
    union {
        v32b whole;
        int8x16_t parts[2];
    } left = {q};
    union {
        v8i whole;
        int32x4_t parts[2];
    } dot = {from};
    for (size_t i = 0; i < 2; i++) dot.parts[i] = vdotq_s32(dot.parts[i], left.parts[i], vld1q_s8(x + 16 * i));
    return dot.whole;
}

INLINE v8i dot_signed(v32b q, const int8_t *x) { return dot_unsigned(q, x, (v8i){0}); }

#include "../lanes/dequantised.h"

#pragma clang attribute pop

void quantised_kernels_neon_dot(vector_kernels *kernels) { lanes_quantised(kernels); }
#endif
