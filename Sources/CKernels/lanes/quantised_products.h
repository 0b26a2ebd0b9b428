// Products of quantised rows with quantised activations. A row of W is one stream, read in order with prefetches ahead:
// that is worth more than sharing X between rows. Instead four blocks are in flight at a time.
#include "quantised.h"

enum { prefetch_ahead = 2048, most_rows = 4 };

typedef struct {
    const int8_t *values;
    const float *scales, *sums;
    const int32_t *corrections;
    size_t k;
} activation_rows;

/// The zero point of blocks of 32 as `dot_unsigned` and `dot_signed` leave it in.
INLINE int32_t signed_zero(lz_quantisation type) { return type == LZ_Q8_0 ? zero_of_signed : format_of(type).zero; }

/// sum + factor × stored·x over group g of row i, in eight partial sums; Q6_K's zero point goes in by its corrections.
INLINE v8f add_group(lz_quantisation type, v32b q, const activation_rows *x, size_t i, size_t g, v8f factor, v8f sum) {
    const int8_t *values = x->values + i * x->k + 32 * g;
    v8i dot = {0};
    if (type == LZ_Q6_K) memcpy(&dot, x->corrections + i * (x->k / 4) + 8 * g, sizeof dot);
    dot = type == LZ_Q8_0 ? dot_signed(q, values) : dot_unsigned(q, values, dot);
    return __builtin_elementwise_fma(__builtin_convertvector(dot, v8f), factor, sum);
}

INLINE v4f load_4(const float *x, size_t count) {
    v4f value = {0};
    memcpy(&value, x, count * sizeof(float));
    return value;
}

/// The halves at `from`, one per block, gathered by integer instructions: the vector shuffles are the bottleneck.
INLINE v4f block_halves(const uint8_t *from, size_t stride, size_t count) {
    typedef _Float16 v4half __attribute__((ext_vector_type(4)));
    uint64_t bits = 0;
#pragma clang loop unroll(full)
    for (size_t b = 0; b < count; b++) {
        uint16_t half;
        memcpy(&half, from + b * stride, sizeof half);
        bits |= (uint64_t)half << (16 * b);
    }
    v4half value;
    memcpy(&value, &bits, sizeof value);
    return __builtin_convertvector(value, v4f);
}

INLINE void prefetch(const uint8_t *from, size_t bytes) {
#pragma clang loop unroll(full)
    for (size_t line = 0; line + 64 <= bytes; line += 64) __builtin_prefetch(from + prefetch_ahead + line);
}

/// `count` blocks of 32 elements from group g on, times `m` rows of X; both constant at each call.
INLINE void add_blocks(lz_quantisation type, size_t count, size_t m, const uint8_t *w, const activation_rows *x,
                       size_t g, v8f sums[most_rows][4], v4f lowest[most_rows]) {
    const block_format format = format_of(type);
    prefetch(w, format.bytes * count);
    const v4f scales = block_halves(w, format.bytes, count);
    const v4f offsets = format.offsets ? block_halves(w + 2, format.bytes, count) : scales * -(float)signed_zero(type);
    v4f factors[most_rows];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++) factors[i] = scales * load_4(x->scales + i * (x->k / 32) + g, count);
#pragma clang loop unroll(full)
    for (size_t b = 0; b < count; b++) {
        const v32b q = stored_integers(type, w + b * format.bytes, 0);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < m; i++) sums[i][b] = add_group(type, q, x, i, g + b, (v8f)factors[i][b], sums[i][b]);
    }
    if (!format.offsets && signed_zero(type) == 0) return;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
        lowest[i] = __builtin_elementwise_fma(offsets, load_4(x->sums + i * (x->k / 32) + g, count), lowest[i]);
}

/// One block of 256 elements, of which g is the first group.
INLINE void add_superblock(lz_quantisation type, size_t m, const uint8_t *w, const activation_rows *x, size_t g,
                           v8f sums[most_rows][4], v8f lowest[most_rows]) {
    prefetch(w, format_of(type).bytes);
    float scales[16], factors[most_rows][16];
    v8f offsets = {0};
    scales_of(type, w, scales, &offsets);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++) {
        const v8f right = load_8(x->scales + i * (x->k / 32) + g);
        if (type == LZ_Q6_K) {
            const v8f low = __builtin_shufflevector(right, right, 0, 0, 1, 1, 2, 2, 3, 3);
            const v8f high = __builtin_shufflevector(right, right, 4, 4, 5, 5, 6, 6, 7, 7);
            store_8(factors[i], load_8(scales) * low);
            store_8(factors[i] + 8, load_8(scales + 8) * high);
        } else {
            store_8(factors[i], load_8(scales) * right);
        }
    }
#pragma clang loop unroll(full)
    for (size_t part = 0; part < 8; part++) {
        const v32b q = stored_integers(type, w, part);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < m; i++)
            sums[i][part % 4] =
                add_group(type, q, x, i, g + part, group_scale(type, factors[i], part), sums[i][part % 4]);
    }
    if (!format_of(type).offsets) return;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
        lowest[i] = __builtin_elementwise_fma(offsets, load_8(x->sums + i * (x->k / 32) + g), lowest[i]);
}

INLINE float total(v8f x) { return ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7])); }

/// One row of W times `m` rows of X.
INLINE void dot_row(lz_quantisation type, size_t m, const uint8_t *w, const activation_rows *x, float *y,
                    size_t y_stride) {
    const block_format format = format_of(type);
    v8f sums[most_rows][4] = {0}, lowest[most_rows] = {0};
    if (format.elements == 256) {
        for (size_t g = 0; g < x->k / 32; g += 8, w += format.bytes) add_superblock(type, m, w, x, g, sums, lowest);
    } else {
        v4f low[most_rows] = {0};
        size_t g = 0;
        for (; g + 4 <= x->k / 32; g += 4, w += 4 * format.bytes) add_blocks(type, 4, m, w, x, g, sums, low);
        for (; g < x->k / 32; g++, w += format.bytes) add_blocks(type, 1, m, w, x, g, sums, low);
        for (size_t i = 0; i < m; i++) lowest[i] = __builtin_shufflevector(low[i], (v4f){0}, 0, 1, 2, 3, 4, 5, 6, 7);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; i++)
        y[i * y_stride] = total((sums[i][0] + sums[i][1]) + (sums[i][2] + sums[i][3]) + lowest[i]);
}

INLINE void dot_rows_as(lz_quantisation type, size_t rows, size_t k, const uint8_t *w, size_t row_bytes, size_t m,
                        const quantised_rows *from, float *y, size_t y_stride) {
    for (size_t i = 0; i < m;) {
        const activation_rows x = {from->values + i * k, from->scales + i * (k / 32), from->sums + i * (k / 32),
                                   from->corrections + i * (k / 4), k};
        if (m - i >= most_rows) {
            for (size_t n = 0; n < rows; n++)
                dot_row(type, most_rows, w + n * row_bytes, &x, y + i * y_stride + n, y_stride);
            i += most_rows;
        } else {
            for (size_t n = 0; n < rows; n++) dot_row(type, 1, w + n * row_bytes, &x, y + i * y_stride + n, y_stride);
            i++;
        }
    }
}

static void dot_rows(lz_quantisation type, size_t rows, size_t k, const void *w, size_t row_bytes, size_t m,
                     const quantised_rows *x, float *y, size_t y_stride) {
    switch (type) {
    case LZ_Q4_0: dot_rows_as(LZ_Q4_0, rows, k, w, row_bytes, m, x, y, y_stride); break;
    case LZ_Q4_1: dot_rows_as(LZ_Q4_1, rows, k, w, row_bytes, m, x, y, y_stride); break;
    case LZ_Q5_0: dot_rows_as(LZ_Q5_0, rows, k, w, row_bytes, m, x, y, y_stride); break;
    case LZ_Q5_1: dot_rows_as(LZ_Q5_1, rows, k, w, row_bytes, m, x, y, y_stride); break;
    case LZ_Q8_0: dot_rows_as(LZ_Q8_0, rows, k, w, row_bytes, m, x, y, y_stride); break;
    case LZ_Q4_K: dot_rows_as(LZ_Q4_K, rows, k, w, row_bytes, m, x, y, y_stride); break;
    case LZ_Q5_K: dot_rows_as(LZ_Q5_K, rows, k, w, row_bytes, m, x, y, y_stride); break;
    case LZ_Q6_K: dot_rows_as(LZ_Q6_K, rows, k, w, row_bytes, m, x, y, y_stride); break;
    }
}
