// Vectors of LANES floats in Clang's vector extensions, so that one body serves every instruction set. Define LANES (4,
// 8, 16) and, where bf16 conversion is an instruction, HARDWARE_BF16; include under the instruction set's target
// attribute.
#ifndef LAZULI_VECTORS_H
#define LAZULI_VECTORS_H

#include "numbers.h"

#if LANES == 16
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((ext_vector_type(LANES)));
typedef int32_t vi __attribute__((ext_vector_type(LANES)));
typedef uint32_t vu __attribute__((ext_vector_type(LANES)));
typedef uint16_t vh __attribute__((ext_vector_type(LANES)));

INLINE vf load_f32(const float *x) {
    vf value;
    memcpy(&value, x, sizeof value);
    return value;
}

INLINE void store_f32(float *y, vf value) { memcpy(y, &value, sizeof value); }

INLINE vf widen_bf16(vh value) { return (vf)(__builtin_convertvector(value, vu) << 16); }

INLINE vf load_bf16(const uint16_t *x) {
    vh value;
    memcpy(&value, x, sizeof value);
    return widen_bf16(value);
}

/// Round to nearest even; NaN becomes quiet.
INLINE vh round_bf16(vf value) {
#if defined(HARDWARE_BF16)
    const __m256bh rounded = _mm512_cvtneps_pbh((__m512)value);
    vh result;
    memcpy(&result, &rounded, sizeof result);
    return result;
#else
    const vu bits = (vu)value, high = bits >> 16;
    const vu rounded = (bits + 0x7fff + (high & 1)) >> 16;
    return __builtin_convertvector((vi)(bits & 0x7fffffff) > 0x7f800000 ? (high | 0x40) : rounded, vh);
#endif
}

INLINE void store_bf16(uint16_t *y, vf value) {
    const vh rounded = round_bf16(value);
    memcpy(y, &rounded, sizeof rounded);
}

/// The first `count` < LANES elements; the others are zero.
INLINE vf load_part_f32(const float *x, size_t count) {
#if LANES == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), x);
#else
    float part[LANES] = {0};
    for (size_t i = 0; i < count; i++) part[i] = x[i];
    return load_f32(part);
#endif
}

INLINE void store_part_f32(float *y, vf value, size_t count) {
#if LANES == 16
    _mm512_mask_storeu_ps(y, (__mmask16)((1u << count) - 1), (__m512)value);
#else
    float part[LANES];
    store_f32(part, value);
    for (size_t i = 0; i < count; i++) y[i] = part[i];
#endif
}

INLINE vf load_part_bf16(const uint16_t *x, size_t count) {
#if LANES == 16
    const __m256i part = _mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), x);
    return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(part), 16);
#else
    uint16_t part[LANES] = {0};
    for (size_t i = 0; i < count; i++) part[i] = x[i];
    return load_bf16(part);
#endif
}

INLINE void store_part_bf16(uint16_t *y, vf value, size_t count) {
    const vh rounded = round_bf16(value);
#if LANES == 16
    _mm256_mask_storeu_epi16(y, (__mmask16)((1u << count) - 1), (__m256i)rounded);
#else
    uint16_t part[LANES];
    memcpy(part, &rounded, sizeof part);
    for (size_t i = 0; i < count; i++) y[i] = part[i];
#endif
}

/// Elements i ..< i + LANES of a buffer of LZ_F32 or LZ_BF16.
INLINE vf load_vector(const void *x, lz_dtype type, size_t i) {
    return type == LZ_F32 ? load_f32((const float *)x + i) : load_bf16((const uint16_t *)x + i);
}

INLINE vf load_part(const void *x, lz_dtype type, size_t i, size_t count) {
    return type == LZ_F32 ? load_part_f32((const float *)x + i, count) : load_part_bf16((const uint16_t *)x + i, count);
}

INLINE void store_vector(void *y, lz_dtype type, size_t i, vf value) {
    if (type == LZ_F32) {
        store_f32((float *)y + i, value);
    } else {
        store_bf16((uint16_t *)y + i, value);
    }
}

INLINE void store_part(void *y, lz_dtype type, size_t i, vf value, size_t count) {
    if (type == LZ_F32) {
        store_part_f32((float *)y + i, value, count);
    } else {
        store_part_bf16((uint16_t *)y + i, value, count);
    }
}

#endif
