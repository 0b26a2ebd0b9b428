// Scalar conversions between the element types, by bits, so that they need no instruction set and no runtime library.
#ifndef LAZULI_NUMBERS_H
#define LAZULI_NUMBERS_H

#include <string.h>

#include "include/types.h"

static inline float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of_bf16(uint16_t value) { return float_of_bits((uint32_t)value << 16); }

/// Round to nearest even; a NaN keeps its sign and becomes quiet, since rounding its payload could make it infinite.
static inline uint16_t bf16_of_float(float value) {
    const uint32_t bits = bits_of_float(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// Shifted into place the exponent is 112 too small, which an exact product mends for subnormals too.
static inline float float_of_f16(uint16_t value) {
    const uint32_t sign = (uint32_t)(value & 0x8000u) << 16, magnitude = (uint32_t)(value & 0x7fffu) << 13;
    const uint32_t finite = bits_of_float(float_of_bits(magnitude) * 0x1p112f);
    return float_of_bits(sign | (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : finite));
}

/// Round to nearest even; overflow gives infinity, NaN stays NaN.
static inline uint16_t f16_of_float(float value) {
    const uint32_t bits = bits_of_float(value), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) {
        // 2⁻¹⁴ and below: adding ½ aligns the last place of the sum with that of a subnormal half.
        return (uint16_t)(sign | (bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3f000000u));
    }
    return (uint16_t)(sign | ((magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13));
}

/// Element i of a buffer of any type.
static inline float load_element(const void *x, lz_dtype type, size_t i) {
    switch (type) {
    case LZ_F32: return ((const float *)x)[i];
    case LZ_F16: return float_of_f16(((const uint16_t *)x)[i]);
    case LZ_BF16: return float_of_bf16(((const uint16_t *)x)[i]);
    }
    return 0;
}

static inline void store_element(void *y, lz_dtype type, size_t i, float value) {
    switch (type) {
    case LZ_F32: ((float *)y)[i] = value; return;
    case LZ_F16: ((uint16_t *)y)[i] = f16_of_float(value); return;
    case LZ_BF16: ((uint16_t *)y)[i] = bf16_of_float(value); return;
    }
}

static inline size_t element_size(lz_dtype type) { return type == LZ_F32 ? 4 : 2; }

/// Address of element i.
static inline const void *element_at(const void *x, lz_dtype type, size_t i) {
    return (const char *)x + i * element_size(type);
}

static inline void *element_at_mutable(void *x, lz_dtype type, size_t i) { return (char *)x + i * element_size(type); }

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t larger(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }
static inline size_t round_up(size_t a, size_t multiple) { return divide_up(a, multiple) * multiple; }

#endif
