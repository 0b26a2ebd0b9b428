// The peak of f32 multiply-adds: more independent chains than latency × throughput of any known core. Define LANES
// first.
#include "../vectors.h"

enum { burn_chains = LANES == 8 ? 12 : 24 };  // 16 registers with AVX2, 32 elsewhere

static double burn_f32(size_t iterations) {
    vf sums[burn_chains] = {0}, scale = (vf)0.5f;
    // The compiler may not know the operand, or it would fold the loop.
    __asm__ volatile("" : "+x"(scale));
    for (size_t n = 0; n < iterations; n++) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < burn_chains; i++) sums[i] = __builtin_elementwise_fma(scale, scale, sums[i]);
    }
    vf total = sums[0];
    for (size_t i = 1; i < burn_chains; i++) total += sums[i];
    __asm__ volatile("" : : "x"(total));
    return (double)iterations * burn_chains * LANES * 2;
}
