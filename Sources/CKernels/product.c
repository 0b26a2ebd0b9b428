// The driver of matrix products and convolutions. Work is cut into pieces of block_rows × block_columns outputs; K is
// cut at fixed places, so that every sum has the same order whatever the number of threads and the shape of the pieces.
#include "packed.h"

#include <stdlib.h>

#include "include/threads.h"
#include "numbers.h"

typedef struct {
    const lz_packed *packed;
    const product_kernels *kernels;
    patch_source source;
    product_target target;
    size_t rows;                        // M
    size_t row_blocks, column_blocks;   // pieces
    size_t block_rows, block_panels;    // the most that one piece has
} product;

/// Cuts M and the panels into pieces: the largest that fit the cache, then smaller ones until every thread has a few,
/// of equal size, and a multiple of the threads.
static void choose_pieces(product *work) {
    const block_sizes *blocks = &work->kernels->blocks;
    const size_t threads = lz_thread_count(), panels = work->packed->panels;
    size_t row_blocks = divide_up(work->rows, blocks->block_rows);
    size_t column_blocks = divide_up(panels, blocks->block_columns / blocks->columns);
    if (threads > 1) {
        const size_t wanted = 4 * threads;
        if (row_blocks * column_blocks < wanted) {
            row_blocks = larger(row_blocks, smaller(divide_up(wanted, column_blocks), work->rows / (8 * blocks->rows)));
        }
        if (row_blocks * column_blocks < wanted) {
            column_blocks = larger(column_blocks, smaller(divide_up(wanted, row_blocks), divide_up(panels, 2)));
        }
        const bool uneven = row_blocks * column_blocks % threads != 0;
        if (uneven && row_blocks > threads) row_blocks = round_up(row_blocks, threads);
    }
    work->block_rows = divide_up(work->rows, row_blocks);
    work->row_blocks = divide_up(work->rows, work->block_rows);
    work->block_panels = divide_up(panels, column_blocks);
    work->column_blocks = divide_up(panels, work->block_panels);
}

/// Asks for the lines that the store will touch, as a tile takes long enough to fetch them meanwhile.
static void prefetch_outputs(const product_target *target, size_t row, size_t rows, size_t column) {
    const size_t size = element_size(target->type);
    const char *y = (const char *)target->y + (row * target->stride + column) * size;
    for (size_t i = 0; i < rows; i++) __builtin_prefetch(y + i * target->stride * size, 1);
    if (target->epilogue.residual == NULL) return;
    const lz_dtype type = target->epilogue.residual_type;
    const size_t stride = target->epilogue.residual_stride;
    const char *residual = element_at(target->epilogue.residual, type, row * stride + column);
    for (size_t i = 0; i < rows; i++) __builtin_prefetch(residual + i * stride * element_size(type));
}

/// Rows [row, row + rows) of a tile's height, gathered in `a`, times panels [first, end) over the block of K at term k.
static void multiply_rows(const product *work, size_t row, size_t rows, size_t first, size_t end, size_t k,
                          const void *a, float *sums, size_t sums_stride) {
    const product_kernels *kernels = work->kernels;
    const lz_packed *packed = work->packed;
    const size_t columns = kernels->blocks.columns, depth = depth_at(packed, k);
    const bool last = k + depth == packed->k;
    tile_job job = {.rows = rows, .depth = depth, .a = a, .c = sums, .c_stride = sums_stride, .accumulate = k > 0};
    job.b = panel_at(packed, first, k);
    for (size_t panel = first; panel < end; panel++) {
        const size_t column = panel * columns;
        job.columns = smaller(columns, packed->n - column);
        if (last) prefetch_outputs(&work->target, row, rows, column);
        kernels->tile(&job);
        if (last) kernels->store(&work->target, row, rows, column, job.columns, job.c, sums_stride);
        job.b = (const char *)job.b + panel_bytes(packed, depth);
        job.c += columns;
    }
}

/// One block of outputs. Blocks of K are outermost, so that the block's weights stay in L2 while its rows pass by; rows
/// are gathered a tile at a time and stay in L1 while the panels pass by.
static void multiply_piece(const product *work, size_t piece, size_t thread) {
    const product_kernels *kernels = work->kernels;
    const lz_packed *packed = work->packed;
    const size_t row = piece / work->column_blocks * work->block_rows;
    const size_t rows = smaller(work->block_rows, work->rows - row);
    const size_t first = piece % work->column_blocks * work->block_panels;
    const size_t end = smaller(first + work->block_panels, packed->panels);
    // Tiles of nearly equal height.
    const size_t tiles = divide_up(rows, kernels->blocks.rows), height = rows / tiles, taller = rows % tiles;

    const size_t gathered_bytes = round_up(kernels->blocks.rows * kernels->a_stride * kernels->a_size, 64);
    const size_t sums_stride = work->block_panels * kernels->blocks.columns;
    char *gathered = lz_scratch(thread, gathered_bytes + work->block_rows * sums_stride * sizeof(float));
    if (gathered == NULL) abort();
    float *sums = (float *)(gathered + gathered_bytes);

    size_t k = 0;
    do {
        const size_t depth = depth_at(packed, k);
        for (size_t tile = 0, begin = 0; tile < tiles && !lz_abandoned(); tile++) {
            const size_t tile_rows = tile < taller ? height + 1 : height;
            kernels->gather(&work->source, row + begin, tile_rows, k, depth, gathered);
            multiply_rows(work, row + begin, tile_rows, first, end, k, gathered, sums + begin * sums_stride,
                          sums_stride);
            begin += tile_rows;
        }
        k += depth;
    } while (k < packed->k);
}

static void multiply_pieces(void *context, size_t begin, size_t end, size_t thread) {
    for (size_t piece = begin; piece < end; piece++) multiply_piece(context, piece, thread);
}

void lz_convolve(const lz_convolution *shape, const void *x, lz_dtype x_type, size_t x_pixel_stride,
                 const lz_packed *weights, void *y, lz_dtype y_type, size_t y_pixel_stride,
                 const lz_epilogue *epilogue) {
    const product_kernels *kernels = weights->kernels;
    product work = {
        .packed = weights,
        .kernels = kernels,
        .source = {
            .shape = *shape,
            .out_height = lz_convolution_out_height(shape), .out_width = lz_convolution_out_width(shape),
            .x = x, .type = x_type, .pixel_stride = x_pixel_stride,
        },
        .target = {.y = y, .type = y_type, .stride = y_pixel_stride, .columns = weights->n},
    };
    if (epilogue) work.target.epilogue = *epilogue;
    if (work.target.epilogue.scale == 0) work.target.epilogue.scale = 1;
    work.rows = shape->batch * work.source.out_height * work.source.out_width;
    if (work.rows == 0 || weights->n == 0) return;
    choose_pieces(&work);
    lz_parallel(work.row_blocks * work.column_blocks, 1, multiply_pieces, &work);
}

void lz_matmul(size_t m, const void *x, lz_dtype x_type, size_t x_stride, const lz_packed *weights,
               void *y, lz_dtype y_type, size_t y_stride, const lz_epilogue *epilogue) {
    const lz_convolution shape = {
        .batch = 1, .height = 1, .width = m,
        .in_channels = weights->k, .out_channels = weights->n,
        .kernel_height = 1, .kernel_width = 1,
        .stride = 1, .upsample = 1,
    };
    lz_convolve(&shape, x, x_type, x_stride, weights, y, y_type, y_stride, epilogue);
}

static size_t out_size(size_t size, size_t upsample, size_t before, size_t after, size_t kernel, size_t stride) {
    const size_t padded = size * upsample + before + after;
    return padded < kernel ? 0 : (padded - kernel) / stride + 1;
}

size_t lz_convolution_out_height(const lz_convolution *shape) {
    return out_size(shape->height, shape->upsample, shape->pad_top, shape->pad_bottom, shape->kernel_height,
                    shape->stride);
}

size_t lz_convolution_out_width(const lz_convolution *shape) {
    return out_size(shape->width, shape->upsample, shape->pad_left, shape->pad_right, shape->kernel_width,
                    shape->stride);
}
