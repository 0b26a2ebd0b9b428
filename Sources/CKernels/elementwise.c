// Splits elementwise work over elements or rows.
#include "include/threads.h"
#include "numbers.h"
#include "table.h"

/// Elements of a piece: large enough to hide its dispatch, small enough to share out. A multiple of every vector.
enum { PIECE = 32768 };

static size_t rows_per_piece(size_t width) { return width >= PIECE ? 1 : PIECE / (width ? width : 1); }

typedef struct {
    const vector_kernels *table;
    const void *x, *z;
    void *y;
    lz_dtype x_type, z_type, y_type;
    lz_activation activation;
    float a, b;
    size_t width, second;
    bool flag;
    const float *cosine, *sine, *slopes;
    size_t heads, head_size, stride;
} elementwise;

static void activate_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    e->table->activate(end - begin, e->activation, element_at(e->x, e->x_type, begin), e->x_type,
                       element_at_mutable(e->y, e->y_type, begin), e->y_type);
}

void lz_activate(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    elementwise e = {
        .table = &lz_table()->vector, .x = x, .y = y, .x_type = x_type, .y_type = y_type, .activation = activation};
    lz_parallel(count, PIECE, activate_piece, &e);
}

static void blend_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    e->table->blend(end - begin, e->a, element_at(e->x, e->x_type, begin), e->x_type, e->b,
                    e->z ? element_at(e->z, e->z_type, begin) : NULL, e->z_type,
                    element_at_mutable(e->y, e->y_type, begin), e->y_type);
}

void lz_blend(size_t count, float a, const void *x, lz_dtype x_type, float b, const void *z, lz_dtype z_type, void *y,
              lz_dtype y_type) {
    elementwise e = {.table = &lz_table()->vector,
                     .x = x,
                     .z = z,
                     .y = y,
                     .x_type = x_type,
                     .z_type = z_type,
                     .y_type = y_type,
                     .a = a,
                     .b = b};
    lz_parallel(count, PIECE, blend_piece, &e);
}

static void add_row_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    for (size_t row = begin; row < end; row++)
        e->table->blend(e->width, 1, element_at(e->x, e->x_type, row * e->width), e->x_type, 1, e->z, e->z_type,
                        element_at_mutable(e->y, e->y_type, row * e->width), e->y_type);
}

void lz_add_row(size_t rows, size_t width, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type, void *y,
                lz_dtype y_type) {
    elementwise e = {.table = &lz_table()->vector,
                     .x = x,
                     .z = z,
                     .y = y,
                     .x_type = x_type,
                     .z_type = z_type,
                     .y_type = y_type,
                     .width = width};
    lz_parallel(rows, rows_per_piece(width), add_row_piece, &e);
}

static void prelu_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    for (size_t row = begin; row < end; row++)
        e->table->prelu(e->width, element_at(e->x, e->x_type, row * e->width), e->x_type, e->slopes,
                        element_at_mutable(e->y, e->y_type, row * e->width), e->y_type);
}

void lz_prelu(size_t rows, size_t width, const void *x, lz_dtype x_type, const float *slopes, void *y,
              lz_dtype y_type) {
    elementwise e = {.table = &lz_table()->vector,
                     .x = x,
                     .y = y,
                     .x_type = x_type,
                     .y_type = y_type,
                     .width = width,
                     .slopes = slopes};
    lz_parallel(rows, rows_per_piece(width), prelu_piece, &e);
}

static void multiply_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    e->table->multiply(end - begin, element_at(e->x, e->x_type, begin), e->x_type, element_at(e->z, e->z_type, begin),
                       e->z_type, element_at_mutable(e->y, e->y_type, begin), e->y_type);
}

void lz_multiply(size_t count, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type, void *y,
                 lz_dtype y_type) {
    elementwise e = {
        .table = &lz_table()->vector, .x = x, .z = z, .y = y, .x_type = x_type, .z_type = z_type, .y_type = y_type};
    lz_parallel(count, PIECE, multiply_piece, &e);
}

static void gated_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    for (size_t row = begin; row < end; row++) {
        const void *first = element_at(e->x, e->x_type, 2 * row * e->width),
                   *second = element_at(first, e->x_type, e->width);
        e->table->gated(e->width, e->activation, e->flag ? first : second, e->flag ? second : first, e->x_type,
                        element_at_mutable(e->y, e->y_type, row * e->width), e->y_type);
    }
}

void lz_gated(size_t rows, size_t width, lz_activation activation, bool gate_second, const void *x, lz_dtype x_type,
              void *y, lz_dtype y_type) {
    elementwise e = {.table = &lz_table()->vector,
                     .x = x,
                     .y = y,
                     .x_type = x_type,
                     .y_type = y_type,
                     .activation = activation,
                     .width = width,
                     .flag = gate_second};
    lz_parallel(rows, rows_per_piece(width), gated_piece, &e);
}

static void join_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    for (size_t row = begin; row < end; row++) {
        void *y = element_at_mutable(e->y, e->y_type, row * (e->width + e->second));
        if (e->width) memcpy(y, element_at(e->x, e->x_type, row * e->width), e->width * element_size(e->x_type));
        if (e->second)
            memcpy(element_at_mutable(y, e->y_type, e->width), element_at(e->z, e->z_type, row * e->second),
                   e->second * element_size(e->z_type));
    }
}

void lz_join(size_t rows, size_t a_width, const void *a, size_t b_width, const void *b, void *y, lz_dtype type) {
    elementwise e = {
        .x = a, .z = b, .y = y, .x_type = type, .z_type = type, .y_type = type, .width = a_width, .second = b_width};
    lz_parallel(rows, rows_per_piece(a_width + b_width), join_piece, &e);
}

static void rotate_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    size_t half = e->head_size / 2;
    for (size_t token = begin; token < end; token++)
        e->table->rotate(e->heads, e->head_size, e->cosine + token * half, e->sine + token * half, e->flag,
                         element_at_mutable(e->y, e->y_type, token * e->stride), e->y_type);
}

void lz_rotate(size_t tokens, size_t heads, size_t head_size, size_t token_stride, const float *cosine,
               const float *sine, bool interleaved, void *x, lz_dtype type) {
    elementwise e = {.table = &lz_table()->vector,
                     .y = x,
                     .y_type = type,
                     .flag = interleaved,
                     .cosine = cosine,
                     .sine = sine,
                     .heads = heads,
                     .head_size = head_size,
                     .stride = token_stride};
    lz_parallel(tokens, rows_per_piece(heads * head_size), rotate_piece, &e);
}

static void convert_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const elementwise *e = context;
    e->table->convert(end - begin, element_at(e->x, e->x_type, begin), e->x_type,
                      element_at_mutable(e->y, e->y_type, begin), e->y_type);
}

void lz_convert(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    elementwise e = {.table = &lz_table()->vector, .x = x, .y = y, .x_type = x_type, .y_type = y_type};
    lz_parallel(count, PIECE, convert_piece, &e);
}

typedef struct {
    const vector_kernels *table;
    const void *x;
    lz_dtype type;
    size_t first;
} finite_search;

static void search_piece(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    finite_search *search = context;
    size_t best = __atomic_load_n(&search->first, __ATOMIC_RELAXED);
    if (begin >= best) return;
    size_t found =
        search->table->first_non_finite(end - begin, element_at(search->x, search->type, begin), search->type);
    if (found == end - begin) return;
    found += begin;
    while (found < best &&
           !__atomic_compare_exchange_n(&search->first, &best, found, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

size_t lz_first_non_finite(size_t count, const void *x, lz_dtype type) {
    finite_search search = {.table = &lz_table()->vector, .x = x, .type = type, .first = SIZE_MAX};
    lz_parallel(count, PIECE, search_piece, &search);
    return search.first;
}
