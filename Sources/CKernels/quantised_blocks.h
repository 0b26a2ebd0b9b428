// Geometry of GGML's quantised blocks and the scales of one block, shared by all tables.
#ifndef LAZULI_QUANTISED_BLOCKS_H
#define LAZULI_QUANTISED_BLOCKS_H

#include <string.h>

#include "include/quantised.h"
#include "numbers.h"

enum { LARGEST_BLOCK = 256, LARGEST_GROUPS = 16 };

typedef struct {
    uint16_t elements, bytes;
    uint16_t group;  ///< elements that share a scale: 16 or 32
    uint16_t quants;  ///< offset of the low bits (or of the whole integers) in the block
    uint16_t high;  ///< offset of the high bits; 0 when there are none
    int16_t zero;  ///< what is subtracted from the stored unsigned integer; Q8_0 counts as stored with 128 added
    bool offsets;  ///< w = scale·q + offset, else w = scale·q
} block_format;

/// The format of `type`; elements is 0 for an unknown one.
static inline block_format format_of(lz_quantisation type) {
    switch (type) {
    case LZ_Q4_0: return (block_format){32, 18, 32, 2, 0, 8, false};
    case LZ_Q4_1: return (block_format){32, 20, 32, 4, 0, 0, true};
    case LZ_Q5_0: return (block_format){32, 22, 32, 6, 2, 16, false};
    case LZ_Q5_1: return (block_format){32, 24, 32, 8, 4, 0, true};
    case LZ_Q8_0: return (block_format){32, 34, 32, 2, 0, 128, false};
    case LZ_Q4_K: return (block_format){256, 144, 32, 16, 0, 0, true};
    case LZ_Q5_K: return (block_format){256, 176, 32, 48, 16, 0, true};
    case LZ_Q6_K: return (block_format){256, 210, 16, 0, 128, 32, false};
    default: return (block_format){0, 0, 0, 0, 0, 0, false};
    }
}

static inline float f16_at(const uint8_t *bytes) {
    uint16_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return float_of_f16(bits);
}

/// The 6-bit scales and minima of a Q4_K or Q5_K block: eight of each, spread over 12 bytes.
static inline void unpack_six_bits(const uint8_t *packed, uint8_t scales[8], uint8_t minima[8]) {
    uint32_t low_scales, low_minima, high;
    memcpy(&low_scales, packed, 4);
    memcpy(&low_minima, packed + 4, 4);
    memcpy(&high, packed + 8, 4);
    const uint32_t words[4] = {low_scales & 0x3f3f3f3f, (high & 0x0f0f0f0f) | (low_scales >> 2 & 0x30303030),
                               low_minima & 0x3f3f3f3f, (high >> 4 & 0x0f0f0f0f) | (low_minima >> 2 & 0x30303030)};
    memcpy(scales, words, 8);
    memcpy(minima, words + 2, 8);
}

/// Scale of every group of one block, and its offset where the format has offsets. Products are rounded to f32 one by
/// one, as gguf-py does.
static inline void block_scales(lz_quantisation type, const uint8_t *block, float *scales, float *offsets) {
    if (type == LZ_Q4_K || type == LZ_Q5_K) {
        uint8_t scale[8], minimum[8];
        unpack_six_bits(block + 4, scale, minimum);
        float d = f16_at(block), lowest = f16_at(block + 2);
        for (size_t j = 0; j < 8; j++) {
            scales[j] = d * (float)scale[j];
            offsets[j] = -(lowest * (float)minimum[j]);
        }
    } else if (type == LZ_Q6_K) {
        float d = f16_at(block + 208);
        for (size_t j = 0; j < 16; j++) scales[j] = d * (float)(int8_t)block[192 + j];
    } else {
        scales[0] = f16_at(block);
        offsets[0] = type == LZ_Q4_1 || type == LZ_Q5_1 ? f16_at(block + 2) : 0;
    }
}

#endif
