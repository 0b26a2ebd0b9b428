// Norms and softmax on vectors. Sums run over four vectors side by side.
#include "lanes.h"
#include "../vector_kernels.h"

enum { SIDE_BY_SIDE = 4 };

/// Σ (x − mean)^power over a row, power 1 or 2.
INLINE double row_sum(size_t width, const void *x, lz_dtype type, float mean, int power) {
    vf sums[SIDE_BY_SIDE] = {0};
    size_t i = 0;
    for (; i + SIDE_BY_SIDE * LANES <= width; i += SIDE_BY_SIDE * LANES) {
        for (size_t j = 0; j < SIDE_BY_SIDE; j++) {
            vf value = load_vector(x, type, i + j * LANES) - mean;
            sums[j] = power == 1 ? sums[j] + value : fused(value, value, sums[j]);
        }
    }
    for (; i < width; i += LANES) {
        size_t count = width - i;
        vf value = load_lanes(x, type, i, count) - mean;
        value = first_lanes(count) ? value : (vf)0.0f;
        sums[0] = power == 1 ? sums[0] + value : fused(value, value, sums[0]);
    }
    return sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/// y = (x − mean)·factor·weight + bias.
INLINE void scale_row(size_t width, const void *x, lz_dtype x_type, float mean, float factor, const float *weight,
                      const float *bias, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < width; i += LANES) {
        size_t count = width - i;
        vf value = (load_lanes(x, x_type, i, count) - mean) * factor;
        if (weight) value *= load_lanes(weight, LZ_F32, i, count);
        if (bias) value += load_lanes(bias, LZ_F32, i, count);
        store_lanes(y, y_type, i, count, value);
    }
}

static void layer_norm(size_t width, const void *x, lz_dtype x_type, const float *weight, const float *bias, float eps,
                       void *y, lz_dtype y_type) {
    float mean = (float)(row_sum(width, x, x_type, 0, 1) / (double)width);
    double variance = row_sum(width, x, x_type, mean, 2) / (double)width;
    scale_row(width, x, x_type, mean, (float)(1 / __builtin_sqrt(variance + (double)eps)), weight, bias, y, y_type);
}

static void rms_norm(size_t width, const void *x, lz_dtype x_type, const float *weight, float eps, void *y,
                     lz_dtype y_type) {
    double square = row_sum(width, x, x_type, 0, 2) / (double)width;
    scale_row(width, x, x_type, 0, (float)(1 / __builtin_sqrt(square + (double)eps)), weight, NULL, y, y_type);
}

static void softmax(size_t width, const float *x, float *y) {
    vf most = (vf)-__builtin_inff();
    for (size_t i = 0; i < width; i += LANES) {
        vf value = load_lanes(x, LZ_F32, i, width - i);
        if (width - i < LANES) value = first_lanes(width - i) ? value : most;
        most = larger_of(most, value);
    }
    float largest = largest_of(most);
    if (largest == -__builtin_inff()) largest = 0;
    vf sums = {0};
    for (size_t i = 0; i < width; i += LANES) {
        vf value = exponential(load_lanes(x, LZ_F32, i, width - i) - largest);
        if (width - i < LANES) value = first_lanes(width - i) ? value : (vf)0.0f;
        store_lanes(y, LZ_F32, i, width - i, value);
        sums += value;
    }
    double sum = sum_of(sums);
    float factor = sum == 0 ? 0 : (float)(1 / sum);
    for (size_t i = 0; i < width; i += LANES)
        store_lanes(y, LZ_F32, i, width - i, load_lanes(y, LZ_F32, i, width - i) * factor);
}

/// Moments of `columns` vectors of channels, c first; `count` channels are left from there. Sums are of differences
/// from the first pixel, so that a large mean costs no places.
INLINE void moments_of(size_t pixels, const void *x, lz_dtype type, size_t stride, size_t c, size_t count,
                       size_t columns, float *mean, float *deviation) {
    vf first[SIDE_BY_SIDE], sums[SIDE_BY_SIDE] = {0}, squares[SIDE_BY_SIDE] = {0};
    for (size_t j = 0; j < columns; j++) first[j] = load_lanes(x, type, c + j * LANES, count - j * LANES);
    for (size_t p = 1; p < pixels; p++)
        for (size_t j = 0; j < columns; j++)
            sums[j] += load_lanes(x, type, p * stride + c + j * LANES, count - j * LANES) - first[j];
    for (size_t j = 0; j < columns; j++) sums[j] = first[j] + sums[j] / (float)pixels;
    for (size_t p = 0; p < pixels; p++) {
        for (size_t j = 0; j < columns; j++) {
            vf value = load_lanes(x, type, p * stride + c + j * LANES, count - j * LANES) - sums[j];
            squares[j] = fused(value, value, squares[j]);
        }
    }
    for (size_t j = 0; j < columns; j++) {
        store_lanes(mean, LZ_F32, c + j * LANES, count - j * LANES, sums[j]);
        store_lanes(deviation, LZ_F32, c + j * LANES, count - j * LANES, squares[j]);
    }
}

static void channel_moments(size_t pixels, size_t channels, const void *x, lz_dtype x_type, size_t stride, float *mean,
                            float *deviation) {
    size_t c = 0;
    for (; c + SIDE_BY_SIDE * LANES <= channels; c += SIDE_BY_SIDE * LANES)
        moments_of(pixels, x, x_type, stride, c, SIDE_BY_SIDE * LANES, SIDE_BY_SIDE, mean, deviation);
    for (; c < channels; c += LANES) moments_of(pixels, x, x_type, stride, c, channels - c, 1, mean, deviation);
}

INLINE void normalise_as(size_t pixels, size_t channels, const void *x, lz_dtype x_type, size_t stride,
                         const float *mean, const float *factor, const float *bias, lz_activation activation, void *y,
                         lz_dtype y_type) {
    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0; c < channels; c += LANES) {
            size_t count = channels - c;
            vf value = load_lanes(x, x_type, p * stride + c, count) - load_lanes(mean, LZ_F32, c, count);
            value = fused(value, load_lanes(factor, LZ_F32, c, count), load_lanes(bias, LZ_F32, c, count));
            store_lanes(y, y_type, p * stride + c, count, activate_for(y_type, value, activation));
        }
    }
}

static void normalise(size_t pixels, size_t channels, const void *x, lz_dtype x_type, size_t stride, const float *mean,
                      const float *factor, const float *bias, lz_activation activation, void *y, lz_dtype y_type) {
    if (activation == LZ_IDENTITY)
        normalise_as(pixels, channels, x, x_type, stride, mean, factor, bias, LZ_IDENTITY, y, y_type);
    else if (y_type == LZ_BF16 && activation == LZ_SILU)
        normalise_as(pixels, channels, x, x_type, stride, mean, factor, bias, LZ_SILU, y, LZ_BF16);
    else
        normalise_as(pixels, channels, x, x_type, stride, mean, factor, bias, activation, y, y_type);
}

static void lanes_norms(vector_kernels *kernels) {
    kernels->layer_norm = layer_norm;
    kernels->rms_norm = rms_norm;
    kernels->softmax = softmax;
    kernels->channel_moments = channel_moments;
    kernels->normalise = normalise;
}
