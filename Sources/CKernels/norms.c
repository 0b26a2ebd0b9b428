// Splits norms and softmax over rows.
#include "include/threads.h"
#include "numbers.h"
#include "table.h"

typedef struct {
    const vector_kernels *table;
    size_t width, x_stride, y_stride;
    const void *x;
    void *y;
    lz_dtype x_type, y_type;
    const float *weight, *bias;
    float eps;
} row_norm;

static size_t rows_per_piece(size_t width) { return width >= 16384 ? 1 : 16384 / (width ? width : 1); }

static void layer_norm_rows(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const row_norm *n = context;
    for (size_t row = begin; row < end; row++)
        n->table->layer_norm(n->width, element_at(n->x, n->x_type, row * n->width), n->x_type, n->weight, n->bias,
                             n->eps, element_at_mutable(n->y, n->y_type, row * n->width), n->y_type);
}

void lz_layer_norm(size_t rows, size_t width, const void *x, lz_dtype x_type, const float *weight, const float *bias,
                   float eps, void *y, lz_dtype y_type) {
    row_norm n = {&lz_table()->vector, width, width, width, x, y, x_type, y_type, weight, bias, eps};
    lz_parallel(rows, rows_per_piece(width), layer_norm_rows, &n);
}

static void rms_norm_rows(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const row_norm *n = context;
    for (size_t row = begin; row < end; row++)
        n->table->rms_norm(n->width, element_at(n->x, n->x_type, row * n->x_stride), n->x_type, n->weight, n->eps,
                           element_at_mutable(n->y, n->y_type, row * n->y_stride), n->y_type);
}

void lz_rms_norm(size_t rows, size_t width, const void *x, lz_dtype x_type, size_t x_stride, const float *weight,
                 float eps, void *y, lz_dtype y_type, size_t y_stride) {
    row_norm n = {&lz_table()->vector, width, x_stride, y_stride, x, y, x_type, y_type, weight, NULL, eps};
    lz_parallel(rows, rows_per_piece(width), rms_norm_rows, &n);
}

static void softmax_rows(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const row_norm *n = context;
    for (size_t row = begin; row < end; row++)
        n->table->softmax(n->width, (const float *)n->x + row * n->width, (float *)n->y + row * n->width);
}

void lz_softmax(size_t rows, size_t width, const float *x, float *y) {
    row_norm n = {.table = &lz_table()->vector, .width = width, .x = x, .y = y};
    lz_parallel(rows, rows_per_piece(width), softmax_rows, &n);
}
