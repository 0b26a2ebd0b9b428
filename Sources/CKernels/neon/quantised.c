// Quantised products with Advanced SIMD: products of bytes are summed in pairs, twice.
#include "../vector_kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include "quantised.h"

#define LANES 4
#include "../lanes/groups.h"

enum { zero_of_signed = 0 };

/// Sums of four neighbouring products of 16 bytes. Weights are below 128, so both sides are signed.
INLINE int32x4_t sum_fours(int8x16_t q, int8x16_t x) {
    const int16x8_t low = vmull_s8(vget_low_s8(q), vget_low_s8(x)), high = vmull_high_s8(q, x);
    return vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
}

INLINE v8i dot_unsigned(v32b q, const int8_t *x, v8i from) {
    union {
        v32b whole;
        int8x16_t parts[2];
    } left = {q};
    union {
        int32x4_t parts[2];
        v8i whole;
    } dot;
    for (size_t i = 0; i < 2; i++) dot.parts[i] = sum_fours(left.parts[i], vld1q_s8(x + 16 * i));
    return from + dot.whole;
}

INLINE v8i dot_signed(v32b q, const int8_t *x) { return dot_unsigned(q, x, (v8i){0}); }

#include "../lanes/dequantised.h"

void quantised_kernels_neon(vector_kernels *kernels) { lanes_quantised(kernels); }
#endif
