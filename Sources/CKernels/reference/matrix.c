// Plain C, one element at a time: the specification of the matrix kernels and the judge of every other table.
#include <math.h>

#include "../blocks.h"
#include "../numbers.h"

enum { a_stride = 64 };

static float patch_element(const patch_source *source, size_t row, size_t k) {
    const lz_convolution *shape = &source->shape;
    const size_t channel = k % shape->in_channels, tap = k / shape->in_channels;
    const size_t ky = tap / shape->kernel_width, kx = tap % shape->kernel_width;
    const size_t ox = row % source->out_width, oy = row / source->out_width % source->out_height;
    const size_t sample = row / source->out_width / source->out_height;
    // Positions before the image wrap to huge ones.
    const size_t y = oy * shape->stride + ky - shape->pad_top, x = ox * shape->stride + kx - shape->pad_left;
    if (y >= shape->height * shape->upsample || x >= shape->width * shape->upsample) return 0;
    const size_t pixel = (sample * shape->height + y / shape->upsample) * shape->width + x / shape->upsample;
    return load_element(source->x, source->type, pixel * source->pixel_stride + channel);
}

static void gather_f32(const patch_source *source, size_t row, size_t rows, size_t k, size_t depth, void *a) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < depth; j++) ((float *)a)[i * a_stride + j] = patch_element(source, row + i, k + j);
    }
}

static void gather_bf16(const patch_source *source, size_t row, size_t rows, size_t k, size_t depth, void *a) {
    for (size_t i = 0; i < rows; i++) {
        uint16_t *place = (uint16_t *)a + i * a_stride;
        for (size_t j = 0; j < depth; j++) place[j] = bf16_of_float(patch_element(source, row + i, k + j));
        if (depth % 2 != 0) place[depth] = 0;
    }
}

static void tile_f32(const tile_job *job) {
    const float *a = job->a, *b = job->b;
    for (size_t i = 0; i < job->rows; i++) {
        for (size_t j = 0; j < job->columns; j++) {
            float sum = 0;
            for (size_t k = 0; k < job->depth; k++) sum += a[i * a_stride + k] * b[k * reference_blocks.columns + j];
            float *c = &job->c[i * job->c_stride + j];
            *c = job->accumulate ? *c + sum : sum;
        }
    }
}

static void tile_bf16(const tile_job *job) {
    const uint16_t *a = job->a, *b = job->b;
    for (size_t i = 0; i < job->rows; i++) {
        for (size_t j = 0; j < job->columns; j++) {
            float sum = 0;
            for (size_t k = 0; k < job->depth; k++) {
                const uint16_t right = b[(k / 2 * reference_blocks.columns + j) * 2 + k % 2];
                sum += float_of_bf16(a[i * a_stride + k]) * float_of_bf16(right);
            }
            float *c = &job->c[i * job->c_stride + j];
            *c = job->accumulate ? *c + sum : sum;
        }
    }
}

static float activate(float x, lz_activation activation) {
    switch (activation) {
    case LZ_IDENTITY: return x;
    case LZ_SILU: return x / (1 + expf(-x));
    case LZ_GELU: return 0.5f * x * erfcf(-x * 0.70710678f);
    case LZ_GELU_TANH: return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case LZ_QUICK_GELU: return x / (1 + expf(-1.702f * x));
    case LZ_RELU: return x < 0 ? 0 : x;
    case LZ_TANH: return tanhf(x);
    case LZ_SIGMOID: return 1 / (1 + expf(-x));
    }
    return x;
}

static void store(const product_target *target, size_t row, size_t rows, size_t column, size_t columns, const float *c,
                  size_t c_stride) {
    const lz_epilogue *epilogue = &target->epilogue;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            const size_t m = row + i, n = column + j;
            float y = c[i * c_stride + j];
            if (epilogue->bias) y += epilogue->bias[n];
            if (epilogue->sample_bias) y += epilogue->sample_bias[m / epilogue->rows_per_sample * target->columns + n];
            y = activate(y, epilogue->activation) * epilogue->scale;
            if (epilogue->residual) {
                y += load_element(epilogue->residual, epilogue->residual_type, m * epilogue->residual_stride + n);
            }
            store_element(target->y, target->type, m * target->stride + n, y);
        }
    }
}

static void depthwise(const patch_source *source, size_t row, size_t rows, const float *weights, float *sums) {
    const size_t channels = source->shape.in_channels;
    const size_t taps = source->shape.kernel_height * source->shape.kernel_width;
    for (size_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < channels; c++) {
            float sum = 0;
            for (size_t tap = 0; tap < taps; tap++) {
                sum += patch_element(source, row + i, tap * channels + c) * weights[c * taps + tap];
            }
            sums[i * channels + c] = sum;
        }
    }
}

static double burn(size_t iterations) {
    volatile float scale = 0.5f;
    float sums[8] = {0};
    const float factor = scale;
    for (size_t n = 0; n < iterations; n++) {
        for (size_t i = 0; i < 8; i++) sums[i] = sums[i] * factor + factor;
    }
    float total = 0;
    for (size_t i = 0; i < 8; i++) total += sums[i];
    scale = total;
    return (double)iterations * 8 * 2;
}

void lz_matrix_kernels_reference(matrix_kernels *kernels) {
    *kernels = (matrix_kernels){
        .f32 = {reference_blocks, a_stride, sizeof(float), gather_f32, tile_f32, store, burn},
        .bf16 = {reference_blocks, a_stride, sizeof(uint16_t), gather_bf16, tile_bf16, store, burn},
        .depthwise = depthwise,
    };
}
