// Dequantisation, exact products and the quantisation of activations, on groups of 32 elements (quantised.h).
#include "quantised_products.h"

/// The 32 values of group g as four vectors. Rounded after the product and after the sum, as gguf-py does.
INLINE void group_values(lz_quantisation type, const uint8_t *block, const float *scales, v8f offsets, size_t g,
                         v8f values[4]) {
#pragma clang fp contract(off)
    const block_format format = format_of(type);
    const v32b q = stored_integers(type, block, g);
    union {
        v32b bytes;
        v8b parts[4];
    } stored = {q};
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 4; i++) {
        const v8i wide = type == LZ_Q8_0 ? __builtin_convertvector((v8s)stored.parts[i], v8i)
                                         : __builtin_convertvector(stored.parts[i], v8i) - format.zero;
        const v8f exact = __builtin_convertvector(wide, v8f);
        values[i] = (v8f)(type == LZ_Q6_K ? scales[2 * g + i / 2] : scales[g]) * exact;
        if (format.offsets) values[i] = values[i] + (v8f)(format.elements == 32 ? half_at(block + 2) : offsets[g]);
    }
}

INLINE void dequantise_as(lz_quantisation type, size_t count, const uint8_t *block, void *y, lz_dtype y_type) {
    const block_format format = format_of(type);
    for (size_t first = 0; first < count; first += format.elements, block += format.bytes) {
        float scales[16];
        v8f offsets = {0}, values[4];
        scales_of(type, block, scales, &offsets);
#pragma clang loop unroll(full)
        for (size_t g = 0; g < format.elements / 32u; g++) {
            group_values(type, block, scales, offsets, g, values);
            if (y_type == LZ_F32) {
                memcpy((float *)y + first + 32 * g, values, sizeof values);
                continue;
            }
            for (size_t i = 0; i < 4; i++) {
                const v8u bits = (v8u)values[i], rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
                const v8u quiet = bits >> 16 | 0x40;
                const v8h narrow = __builtin_convertvector(values[i] == values[i] ? rounded : quiet, v8h);
                memcpy((uint16_t *)y + first + 32 * g + 8 * i, &narrow, sizeof narrow);
            }
        }
    }
}

static void dequantise(lz_quantisation type, size_t count, const void *blocks, void *y, lz_dtype y_type) {
    switch (type) {
    case LZ_Q4_0: dequantise_as(LZ_Q4_0, count, blocks, y, y_type); break;
    case LZ_Q4_1: dequantise_as(LZ_Q4_1, count, blocks, y, y_type); break;
    case LZ_Q5_0: dequantise_as(LZ_Q5_0, count, blocks, y, y_type); break;
    case LZ_Q5_1: dequantise_as(LZ_Q5_1, count, blocks, y, y_type); break;
    case LZ_Q8_0: dequantise_as(LZ_Q8_0, count, blocks, y, y_type); break;
    case LZ_Q4_K: dequantise_as(LZ_Q4_K, count, blocks, y, y_type); break;
    case LZ_Q5_K: dequantise_as(LZ_Q5_K, count, blocks, y, y_type); break;
    case LZ_Q6_K: dequantise_as(LZ_Q6_K, count, blocks, y, y_type); break;
    }
}

INLINE float dot_exact_as(lz_quantisation type, size_t k, const uint8_t *block, const float *x) {
    const block_format format = format_of(type);
    v8f sums[4] = {0};
    for (size_t first = 0; first < k; first += format.elements, block += format.bytes) {
        float scales[16];
        v8f offsets = {0}, values[4];
        scales_of(type, block, scales, &offsets);
#pragma clang loop unroll(full)
        for (size_t g = 0; g < format.elements / 32u; g++) {
            group_values(type, block, scales, offsets, g, values);
            for (size_t j = 0; j < 4; j++)
                sums[j] = __builtin_elementwise_fma(values[j], load_8(x + first + 32 * g + 8 * j), sums[j]);
        }
    }
    return total((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

static float dot_exact(lz_quantisation type, size_t k, const void *row, const float *x) {
    switch (type) {
    case LZ_Q4_0: return dot_exact_as(LZ_Q4_0, k, row, x);
    case LZ_Q4_1: return dot_exact_as(LZ_Q4_1, k, row, x);
    case LZ_Q5_0: return dot_exact_as(LZ_Q5_0, k, row, x);
    case LZ_Q5_1: return dot_exact_as(LZ_Q5_1, k, row, x);
    case LZ_Q8_0: return dot_exact_as(LZ_Q8_0, k, row, x);
    case LZ_Q4_K: return dot_exact_as(LZ_Q4_K, k, row, x);
    case LZ_Q5_K: return dot_exact_as(LZ_Q5_K, k, row, x);
    case LZ_Q6_K: return dot_exact_as(LZ_Q6_K, k, row, x);
    }
    return 0;
}

static void quantise_row(size_t k, int32_t zero, const float *x, int8_t *values, float *scales, float *sums,
                         int32_t *corrections) {
    for (size_t block = 0; block < k / 32; block++, x += 32, values += 32, corrections += 8) {
        v8f largest = {0}, check = {0};
        for (size_t i = 0; i < 4; i++) {
            const v8f size = __builtin_elementwise_abs(load_8(x + 8 * i));
            largest = size > largest ? size : largest;
            check += 0 * size;
        }
        float most = 0, zeros = 0;
        for (size_t i = 0; i < 8; i++) most = largest[i] > most ? largest[i] : most, zeros += check[i];
        // A NaN or an infinity makes the scale NaN, so that every product with this block is NaN.
        float scale = zeros == 0 ? most / 127 : __builtin_nanf(""), inverse = scale > 0 ? 1 / scale : 0;
        if (inverse > 3e38f) scale = inverse = 0;
        for (size_t i = 0; i < 4; i++) {
            const v8f scaled = inverse == 0 ? (v8f)0.0f : __builtin_elementwise_roundeven(load_8(x + 8 * i) * inverse);
            const v8s narrow = __builtin_convertvector(__builtin_convertvector(scaled, v8i), v8s);
            memcpy(values + 8 * i, &narrow, sizeof narrow);
        }
        int32_t sum = 0;
        for (size_t i = 0; i < 8; i++) {
            const int32_t four = values[4 * i] + values[4 * i + 1] + values[4 * i + 2] + values[4 * i + 3];
            corrections[i] = -zero * four;
            sum += four;
        }
        scales[block] = scale;
        sums[block] = scale * (float)sum;
    }
}

static void lanes_quantised(vector_kernels *kernels) {
    kernels->dequantise = dequantise;
    kernels->dot_exact = dot_exact;
    kernels->quantise_row = quantise_row;
    kernels->dot_rows = dot_rows;
}
