// Quantised blocks in groups of 32 elements: the stored integers of a group are 32 bytes, its sums eight lanes of f32,
// whatever the width of the registers. A source defines `dot_unsigned` and `dot_signed` first, sums of four
// neighbouring products, and `zero_of_signed`: what `dot_signed` adds to the weights.
#include "../quantised_blocks.h"
#include "../vector_kernels.h"

INLINE v8f load_8(const float *x) {
    v8f value;
    memcpy(&value, x, sizeof value);
    return value;
}

INLINE void store_8(float *y, v8f value) { memcpy(y, &value, sizeof value); }

INLINE float half_at(const uint8_t *bytes) {
    _Float16 value;
    memcpy(&value, bytes, sizeof value);
    return (float)value;
}

INLINE v32b nibbles(const uint8_t *bytes) {
    v16b both;
    memcpy(&both, bytes, sizeof both);
    v32b twice = __builtin_shufflevector(both, both, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
                                         19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    const v16h shift = {0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4};
    return (v32b)((v16h)twice >> shift) & 15;
}

/// Bit j of `bits` as the fifth bit of byte j.
INLINE v32b fifth_bits(const uint8_t *bits) {
    uint32_t word;
    memcpy(&word, bits, sizeof word);
    v32b spread = (v32b)(v8u)word;
    spread = __builtin_shufflevector(spread, spread, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 18, 18, 18, 18, 18,
                                     18, 18, 18, 19, 19, 19, 19, 19, 19, 19, 19);
    const v32b bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                      1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    return (v32b)((spread & bit) == bit) & 16;
}

INLINE v32b load_32(const uint8_t *bytes) {
    v32b value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/// Stored integers of group `g` of a block, unsigned; those of Q8_0 as they are, signed.
INLINE v32b stored_integers(lz_quantisation type, const uint8_t *block, size_t g) {
    switch (type) {
    case LZ_Q4_0: return nibbles(block + 2);
    case LZ_Q4_1: return nibbles(block + 4);
    case LZ_Q5_0: return nibbles(block + 6) | fifth_bits(block + 2);
    case LZ_Q5_1: return nibbles(block + 8) | fifth_bits(block + 4);
    case LZ_Q4_K: return (v32b)((v16h)load_32(block + 16 + g / 2 * 32) >> (uint16_t)(g % 2 * 4)) & 15;
    case LZ_Q5_K: {
        v32b low = (v32b)((v16h)load_32(block + 48 + g / 2 * 32) >> (uint16_t)(g % 2 * 4)) & 15;
        v32b high = (v32b)((v16h)load_32(block + 16) >> (uint16_t)g) & 1;
        return low | (v32b)((v16h)high << 4);
    }
    case LZ_Q6_K: {
        v32b low = (v32b)((v16h)load_32(block + g / 4 * 64 + g % 2 * 32) >> (uint16_t)(g % 4 / 2 * 4)) & 15;
        v32b high = (v32b)((v16h)load_32(block + 128 + g / 4 * 32) >> (uint16_t)(g % 4 * 2)) & 3;
        return low | (v32b)((v16h)high << 4);
    }
    default: return load_32(block + 2);
    }
}

/// Scales of all groups of a block, one of eight lanes each; `offsets` in lanes where the format has them.
INLINE void scales_of(lz_quantisation type, const uint8_t *block, float scales[16], v8f *offsets) {
    if (type == LZ_Q4_K || type == LZ_Q5_K) {
        uint8_t scale[8], minimum[8];
        unpack_six_bits(block + 4, scale, minimum);
        v8b narrow;
        memcpy(&narrow, scale, sizeof narrow);
        store_8(scales, __builtin_convertvector(narrow, v8f) * half_at(block));
        memcpy(&narrow, minimum, sizeof narrow);
        *offsets = -(__builtin_convertvector(narrow, v8f) * half_at(block + 2));
    } else if (type == LZ_Q6_K) {
        v8s narrow;
        for (size_t half = 0; half < 2; half++) {
            memcpy(&narrow, block + 192 + 8 * half, sizeof narrow);
            store_8(scales + 8 * half, __builtin_convertvector(narrow, v8f) * half_at(block + 208));
        }
    } else {
        scales[0] = half_at(block);
    }
}

/// The scale of a group over its eight lanes of four elements.
INLINE v8f group_scale(lz_quantisation type, const float *scales, size_t g) {
    if (type != LZ_Q6_K) return (v8f)scales[g];
    v2f pair;
    memcpy(&pair, scales + 2 * g, sizeof pair);
    return __builtin_shufflevector(pair, pair, 0, 0, 0, 0, 1, 1, 1, 1);
}
