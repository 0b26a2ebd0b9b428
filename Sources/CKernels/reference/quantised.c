// Quantised blocks, one at a time: integers first, then scales.
#include <math.h>

#include "../quantised_blocks.h"
#include "tables.h"

#pragma clang fp contract(off)  // gguf-py rounds the product before it adds

/// The integers of one block, zero point subtracted, in the order of the elements.
static void block_integers(lz_quantisation type, const uint8_t *block, int8_t *q) {
    block_format format = format_of(type);
    const uint8_t *low = block + format.quants, *high = block + format.high;
    switch (type) {
    case LZ_Q8_0: memcpy(q, low, 32); break;
    case LZ_Q4_K:
    case LZ_Q5_K:
        for (size_t i = 0; i < 256; i++) {
            size_t group = i / 32, j = i % 32;
            uint8_t nibble = low[group / 2 * 32 + j] >> (group % 2 * 4) & 15;
            q[i] = (int8_t)(nibble | (format.high ? (high[j] >> group & 1) << 4 : 0));
        }
        break;
    case LZ_Q6_K:
        for (size_t i = 0; i < 256; i++) {
            size_t half = i / 128, quarter = i / 32 % 4, j = i % 32;
            uint8_t nibble = low[half * 64 + quarter % 2 * 32 + j] >> (quarter / 2 * 4) & 15;
            q[i] = (int8_t)((nibble | (high[half * 32 + j] >> (2 * quarter) & 3) << 4) - 32);
        }
        break;
    default:
        for (size_t i = 0; i < 32; i++) {
            uint8_t nibble = low[i % 16] >> (i / 16 * 4) & 15;
            q[i] = (int8_t)((nibble | (format.high ? (high[i / 8] >> (i % 8) & 1) << 4 : 0)) - format.zero);
        }
    }
}

void dequantise_reference(lz_quantisation type, size_t count, const void *blocks, float *y) {
    block_format format = format_of(type);
    const uint8_t *block = blocks;
    for (size_t first = 0; format.elements && first < count; first += format.elements, block += format.bytes) {
        int8_t q[LARGEST_BLOCK];
        float scales[LARGEST_GROUPS], offsets[LARGEST_GROUPS];
        block_integers(type, block, q);
        block_scales(type, block, scales, offsets);
        for (size_t i = 0; i < format.elements; i++) {
            float value = scales[i / format.group] * (float)q[i];
            y[first + i] = format.offsets ? value + offsets[i / format.group] : value;
        }
    }
}

static void dequantise(lz_quantisation type, size_t count, const void *blocks, void *y, lz_dtype y_type) {
    block_format format = format_of(type);
    for (size_t first = 0; first < count; first += format.elements) {
        float values[LARGEST_BLOCK];
        dequantise_reference(type, format.elements, (const uint8_t *)blocks + first / format.elements * format.bytes,
                             values);
        for (size_t i = 0; i < format.elements; i++) store_element(y, y_type, first + i, values[i]);
    }
}

static float dot_exact(lz_quantisation type, size_t k, const void *row, const float *x) {
    block_format format = format_of(type);
    double sum = 0;
    for (size_t first = 0; first < k; first += format.elements) {
        float values[LARGEST_BLOCK];
        dequantise_reference(type, format.elements, (const uint8_t *)row + first / format.elements * format.bytes,
                             values);
        for (size_t i = 0; i < format.elements; i++) sum += (double)values[i] * x[first + i];
    }
    return (float)sum;
}

static void quantise_row(size_t k, int32_t zero, const float *x, int8_t *values, float *scales, float *sums,
                         int32_t *corrections) {
    for (size_t block = 0; block < k / 32; block++) {
        float largest = 0, check = 0;
        for (size_t i = 0; i < 32; i++) {
            largest = fmaxf(largest, fabsf(x[32 * block + i]));
            check += 0 * x[32 * block + i];
        }
        // A NaN or an infinity makes the scale NaN, so that every product with this block is NaN.
        float scale = check == 0 ? largest / 127 : NAN, inverse = scale > 0 ? 1 / scale : 0;
        if (isinf(inverse)) scale = inverse = 0;
        int32_t sum = 0;
        for (size_t i = 0; i < 32; i++) {
            values[32 * block + i] = inverse == 0 ? 0 : (int8_t)rintf(x[32 * block + i] * inverse);
            sum += values[32 * block + i];
        }
        scales[block] = scale;
        sums[block] = scale * (float)sum;
        for (size_t i = 8 * block; i < 8 * block + 8; i++)
            corrections[i] = -zero * (values[4 * i] + values[4 * i + 1] + values[4 * i + 2] + values[4 * i + 3]);
    }
}

static float dot_row(lz_quantisation type, size_t k, const uint8_t *row, const quantised_rows *x, size_t m) {
    block_format format = format_of(type);
    const int8_t *values = x->values + m * k;
    const float *x_scales = x->scales + m * (k / 32), *x_sums = x->sums + m * (k / 32);
    float sum = 0;
    for (size_t first = 0; first < k; first += format.elements, row += format.bytes) {
        int8_t q[LARGEST_BLOCK];
        float scales[LARGEST_GROUPS], offsets[LARGEST_GROUPS];
        block_integers(type, row, q);
        block_scales(type, row, scales, offsets);
        for (size_t i = 0; i < format.elements; i += format.group) {
            int32_t dot = 0;
            for (size_t j = i; j < i + format.group; j++) dot += q[j] * values[first + j];
            sum += scales[i / format.group] * x_scales[(first + i) / 32] * (float)dot;
            if (format.offsets) sum += offsets[i / format.group] * x_sums[(first + i) / 32];
        }
    }
    return sum;
}

static void dot_rows(lz_quantisation type, size_t rows, size_t k, const void *w, size_t row_bytes, size_t m,
                     const quantised_rows *x, float *y, size_t y_stride) {
    for (size_t n = 0; n < rows; n++)
        for (size_t i = 0; i < m; i++) y[i * y_stride + n] = dot_row(type, k, (const uint8_t *)w + n * row_bytes, x, i);
}

void reference_quantised(vector_kernels *table) {
    table->dequantise = dequantise;
    table->dot_exact = dot_exact;
    table->quantise_row = quantise_row;
    table->dot_rows = dot_rows;
}
