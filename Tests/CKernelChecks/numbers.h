// Pseudo-random inputs and independent conversions (by value, not by bits as in the kernels).
#ifndef LAZULI_CHECK_NUMBERS_H
#define LAZULI_CHECK_NUMBERS_H

#include <math.h>
#include <string.h>

#include "CKernels.h"

/// SplitMix64 (Steele, Lea and Flood 2014).
static inline uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline size_t below(uint64_t *state, size_t limit) { return (size_t)(next_random(state) % limit); }

/// Uniform in −1 ..< 1.
static inline float next_number(uint64_t *state) { return (float)((double)(next_random(state) >> 40) * 0x1p-23 - 1); }

/// To 8 significant bits, ties to even; finite values of ordinary size only.
static inline float rounded_to_bf16(float value) {
    int exponent;
    const double fraction = frexp(value, &exponent);
    return (float)ldexp(nearbyint(ldexp(fraction, 8)), exponent - 8);
}

static inline float get(const void *x, lz_dtype type, size_t i) {
    if (type == LZ_F32) return ((const float *)x)[i];
    const uint32_t bits = (uint32_t)((const uint16_t *)x)[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void put(void *x, lz_dtype type, size_t i, float value) {
    if (type == LZ_F32) {
        ((float *)x)[i] = value;
        return;
    }
    const float rounded = isnan(value) ? value : rounded_to_bf16(value);
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    ((uint16_t *)x)[i] = (uint16_t)(bits >> 16);
}

static inline size_t bytes_of(lz_dtype type) { return type == LZ_F32 ? 4 : 2; }

#endif
