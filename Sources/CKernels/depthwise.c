// The driver of depthwise convolutions.
#include <stdlib.h>

#include "include/threads.h"
#include "numbers.h"
#include "table.h"

typedef struct {
    const matrix_kernels *kernels;
    patch_source source;
    product_target target;
    const float *weights;
} depthwise_work;

enum { depthwise_rows = 64 };  // output pixels of a piece: their sums stay in L2

static void convolve_rows(void *context, size_t begin, size_t end, size_t thread) {
    const depthwise_work *work = context;
    const size_t channels = work->source.shape.in_channels;
    float *sums = lz_scratch(thread, depthwise_rows * channels * sizeof(float));
    if (sums == NULL) abort();
    work->kernels->depthwise(&work->source, begin, end - begin, work->weights, sums);
    work->kernels->f32.store(&work->target, begin, end - begin, 0, channels, sums, channels);
}

void lz_convolve_depthwise(const lz_convolution *shape, const void *x, lz_dtype x_type, const float *weights,
                           void *y, lz_dtype y_type, const lz_epilogue *epilogue) {
    const size_t channels = shape->in_channels;
    depthwise_work work = {
        .kernels = &lz_table()->matrix,
        .source = {*shape, lz_convolution_out_height(shape), lz_convolution_out_width(shape), x, x_type, channels},
        .target = {.y = y, .type = y_type, .stride = channels, .columns = channels},
        .weights = weights,
    };
    if (epilogue) work.target.epilogue = *epilogue;
    if (work.target.epilogue.scale == 0) work.target.epilogue.scale = 1;
    const size_t rows = shape->batch * work.source.out_height * work.source.out_width;
    if (channels > 0) lz_parallel(rows, depthwise_rows, convolve_rows, &work);
}
