// Products with quantised weights, split over rows of the weights.
#include <stdlib.h>

#include "quantised_blocks.h"
#include "include/dispatch.h"
#include "include/matrix.h"
#include "include/threads.h"
#include "table.h"

enum {
    most_rows = 8,  // of X that dot_rows takes
    piece_bytes = 65536,  // of W that a thread takes at a time
    many_rows = 256,  // of X, from which on dequantising W pays
    panel_elements = 1 << 21,  // of W dequantised at a time
};

size_t lz_block_elements(lz_quantisation type) { return format_of(type).elements; }
size_t lz_block_bytes(lz_quantisation type) { return format_of(type).bytes; }

typedef struct {
    const vector_kernels *table;
    lz_quantisation type;
    block_format format;
    const uint8_t *blocks;
    void *y;
    lz_dtype y_type;
} dequantisation;

static void dequantise_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const dequantisation *d = context;
    size_t first = begin * d->format.elements;
    d->table->dequantise(d->type, (end - begin) * d->format.elements, d->blocks + begin * d->format.bytes,
                         element_at_mutable(d->y, d->y_type, first), d->y_type);
}

void lz_dequantise(lz_quantisation type, size_t count, const void *blocks, void *y, lz_dtype y_type) {
    dequantisation d = {&lz_table()->vector, type, format_of(type), blocks, y, y_type};
    if (d.format.elements == 0) return;
    lz_parallel(count / d.format.elements, 32768 / d.format.elements, dequantise_piece, &d);
}

typedef struct {
    const vector_kernels *table;
    lz_quantisation type;
    size_t m, k, row_bytes;
    const uint8_t *w;
    const float *x, *bias;
    size_t x_stride;
    int8_t *values;
    float *scales, *sums;
    int32_t *corrections;
    quantised_rows rows;  ///< the four above; values NULL: exact
    float *y;
    size_t y_stride;
} quantised_product;

static void quantise_rows(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const quantised_product *p = context;
    const size_t k = p->k;
    for (size_t m = begin; m < end; m++)
        p->table->quantise_row(k, format_of(p->type).zero, p->x + m * p->x_stride, p->values + m * k,
                               p->scales + m * (k / 32), p->sums + m * (k / 32), p->corrections + m * (k / 4));
}

static void multiply_rows(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const quantised_product *p = context;
    const uint8_t *w = p->w + begin * p->row_bytes;
    for (size_t m = 0; m < p->m; m += most_rows) {
        size_t rows = p->m - m < most_rows ? p->m - m : most_rows;
        float *y = p->y + m * p->y_stride + begin;
        if (p->rows.values) {
            quantised_rows x = {p->rows.values + m * p->k, p->rows.scales + m * (p->k / 32),
                                p->rows.sums + m * (p->k / 32), p->rows.corrections + m * (p->k / 4)};
            p->table->dot_rows(p->type, end - begin, p->k, w, p->row_bytes, rows, &x, y, p->y_stride);
        } else {
            for (size_t n = 0; n < end - begin; n++)
                for (size_t i = 0; i < rows; i++)
                    y[i * p->y_stride + n] =
                        p->table->dot_exact(p->type, p->k, w + n * p->row_bytes, p->x + (m + i) * p->x_stride);
        }
    }
    for (size_t m = 0; p->bias && m < p->m; m++)
        for (size_t n = begin; n < end; n++) p->y[m * p->y_stride + n] += p->bias[n];
}

/// Dequantises panels of W and multiplies them as dense weights. false when memory runs out, with Y partly written.
static bool multiply_dense(const quantised_product *p, size_t n, bool exact) {
    const lz_dtype type = exact || !lz_has_bf16() ? LZ_F32 : LZ_BF16;
    size_t rows = smaller(larger(panel_elements / p->k, 64), n);
    void *panel = malloc(rows * p->k * element_size(type));
    for (size_t first = 0; panel && first < n; first += rows) {
        size_t here = smaller(rows, n - first);
        lz_dequantise(p->type, here * p->k, p->w + first * p->row_bytes, panel, type);
        lz_packed *packed = lz_pack_matrix(panel, type, here, p->k, p->k, type);
        if (!packed) {
            free(panel);
            return false;
        }
        const lz_epilogue epilogue = {.bias = p->bias ? p->bias + first : NULL};
        lz_matmul(p->m, p->x, LZ_F32, p->x_stride, packed, p->y + first, LZ_F32, p->y_stride, &epilogue);
        lz_packed_free(packed);
    }
    free(panel);
    return panel != NULL;
}

void lz_matmul_quantised(size_t m, size_t n, size_t k, const float *x, size_t x_stride, lz_quantisation type,
                         const void *weights, float *y, size_t y_stride, const float *bias, bool exact) {
    block_format format = format_of(type);
    if (format.elements == 0 || m == 0) return;
    quantised_product p = {.table = &lz_table()->vector,
                           .type = type,
                           .m = m,
                           .k = k,
                           .row_bytes = k / format.elements * format.bytes,
                           .w = weights,
                           .x = x,
                           .bias = bias,
                           .x_stride = x_stride,
                           .y = y,
                           .y_stride = y_stride};
    if (m >= many_rows && k > 0 && multiply_dense(&p, n, exact)) return;
    // Without memory for X in 8 bits the exact product is the answer: slower, not worse.
    char *room = exact ? NULL : aligned_alloc(64, (m * k * 9 / 4 + 64 + 63) / 64 * 64);
    if (room) {
        p.corrections = (int32_t *)room;
        p.scales = (float *)(p.corrections + m * (k / 4));
        p.sums = p.scales + m * (k / 32);
        p.values = (int8_t *)(p.sums + m * (k / 32));
        p.rows = (quantised_rows){p.values, p.scales, p.sums, p.corrections};
        lz_parallel(m, most_rows, quantise_rows, &p);
    }
    size_t grain = p.row_bytes ? piece_bytes / p.row_bytes : n;
    lz_parallel(n, grain < 4 ? 4 : grain / 4 * 4, multiply_rows, &p);
    free(room);
}
