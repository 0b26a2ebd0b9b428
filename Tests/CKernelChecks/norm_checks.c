// Norms and softmax against double precision.
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "vector_checks.h"

static double activated(lz_activation activation, double x) {
    switch (activation) {
    case LZ_SILU: return x / (1 + exp(-x));
    case LZ_GELU: return 0.5 * x * erfc(-x * 0.70710678118654752440);
    case LZ_RELU: return x < 0 ? 0 : x;
    default: return x;
    }
}

static double tolerance_of(lz_dtype type, double value) {
    return type == LZ_F32 ? 4e-6 * (1 + fabs(value)) : fabs(value) * 0x1.2p-8 + 1e-6;
}

/// The same in two parts of each sample, each normalised by the moments that both add up to.
static void norm_in_parts(size_t batch, size_t pixels, size_t channels, size_t groups, const void *x, lz_dtype type,
                          const float *weight, const float *bias, lz_activation activation, void *y) {
    lz_moments *moments = malloc(2 * groups * sizeof(lz_moments)), *rest = moments + groups;
    const size_t first = pixels / 3, line = channels * bytes_of(type);
    for (size_t sample = 0; sample < batch; sample++) {
        const char *upper = (const char *)x + sample * pixels * line, *lower = upper + first * line;
        char *out = (char *)y + sample * pixels * line;
        lz_group_moments(first, channels, groups, upper, type, moments);
        lz_group_moments(pixels - first, channels, groups, lower, type, rest);
        for (size_t i = 0; i < groups; i++) lz_join_moments(&moments[i], rest[i]);
        lz_group_norm_by(first, channels, groups, upper, type, moments, weight, bias, 1e-5f, activation, out, type);
        lz_group_norm_by(pixels - first, channels, groups, lower, type, moments, weight, bias, 1e-5f, activation,
                         out + first * line, type);
    }
    free(moments);
}

bool check_group_norm(size_t batch, size_t pixels, size_t channels, size_t groups, float mean, lz_dtype type,
                      lz_activation activation, char *message, size_t size) {
    const size_t count = batch * pixels * channels, per_group = channels / groups;
    uint64_t state = count + groups;
    void *x = malloc(count * bytes_of(type)), *y = malloc(count * bytes_of(type)),
         *again = malloc(count * bytes_of(type));
    float *weight = malloc(2 * channels * sizeof(float)), *bias = weight + channels;
    for (size_t i = 0; i < count; i++) put(x, type, i, mean + 1.7f * next_number(&state));
    for (size_t i = 0; i < 2 * channels; i++) weight[i] = next_number(&state);
    const size_t before = lz_thread_count();
    lz_set_thread_count(1);
    lz_group_norm(batch, pixels, channels, groups, x, type, weight, bias, 1e-5f, activation, y, type);
    lz_set_thread_count(3);
    lz_group_norm(batch, pixels, channels, groups, x, type, weight, bias, 1e-5f, activation, again, type);
    lz_set_thread_count(before);
    bool good = memcmp(y, again, count * bytes_of(type)) == 0;
    if (!good)
        snprintf(message, size, "%zu×%zu×%zu in %zu groups differs between thread counts", batch, pixels, channels,
                 groups);
    norm_in_parts(batch, pixels, channels, groups, x, type, weight, bias, activation, again);
    // An f32 near `mean` is known to 6e-8 of it; the deviation is about 1, so that is the error of the result.
    const double place = fabs((double)mean) * 2e-7;
    for (size_t group = 0; good && group < batch * groups; group++) {
        const size_t sample = group / groups, c0 = group % groups * per_group, n = pixels * per_group;
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += get(x, type, (sample * pixels + i / per_group) * channels + c0 + i % per_group);
        for (size_t i = 0; i < n; i++) {
            const double d =
                get(x, type, (sample * pixels + i / per_group) * channels + c0 + i % per_group) - sum / (double)n;
            squares += d * d;
        }
        for (size_t i = 0; good && i < n; i++) {
            const size_t c = c0 + i % per_group, at = (sample * pixels + i / per_group) * channels + c;
            const double normal = (get(x, type, at) - sum / (double)n) / sqrt(squares / (double)n + 1e-5);
            const double value = activated(activation, normal * weight[c] + bias[c]);
            const double found[2] = {get(y, type, at), get(again, type, at)};
            for (size_t way = 0; good && way < 2; way++) {
                good = fabs(found[way] - value) <= tolerance_of(type, value) + place;
                if (!good)
                    snprintf(message, size, "%zu×%zu×%zu in %zu groups around %g%s, element %zu: %g instead of %g",
                             batch, pixels, channels, groups, (double)mean, way ? " in parts" : "", at, found[way], value);
            }
        }
    }
    free(x);
    free(y);
    free(again);
    free(weight);
    return good;
}

enum { rows = 3, gap = 5 };

static bool compare(const char *what, size_t width, const void *y, lz_dtype type, size_t stride, const double *expected,
                    char *message, size_t size) {
    for (size_t i = 0; i < rows * stride; i++) {
        const bool inside = i % stride < width;
        const double value = inside ? expected[i / stride * width + i % stride] : -77;
        if (fabs(get(y, type, i) - value) <= tolerance_of(type, value)) continue;
        snprintf(message, size, "%s of width %zu, row %zu element %zu: %g instead of %g", what, width, i / stride,
                 i % stride, (double)get(y, type, i), value);
        return false;
    }
    return true;
}

bool check_rows(size_t width, lz_dtype x_type, lz_dtype y_type, char *message, size_t size) {
    uint64_t state = width + 1;
    const size_t stride = width + gap;
    float *weight = malloc(2 * (width + 1) * sizeof(float)), *bias = weight + width + 1;
    void *dense = malloc(rows * stride * 4), *spaced = malloc(rows * stride * 4), *y = malloc(rows * stride * 4);
    float *plain = malloc(rows * stride * 4), *soft = malloc(rows * stride * 4);
    double *expected = malloc(rows * stride * sizeof(double));
    for (size_t i = 0; i < 2 * (width + 1); i++) weight[i] = next_number(&state);
    for (size_t i = 0; i < rows * stride; i++) put(spaced, x_type, i, NAN);
    for (size_t i = 0; i < rows * width; i++) {
        const float value = 3 + 5 * next_number(&state);
        put(dense, x_type, i, value);
        put(spaced, x_type, i / width * stride + i % width, value);
        plain[i] = value;
    }
    double mean = 0, squares = 0, sum = 0;
    for (size_t i = 0; i < rows * width; i++) {
        const size_t row = i / width * width;
        if (i == row) {
            mean = squares = 0;
            for (size_t j = 0; j < width; j++) mean += get(dense, x_type, row + j) / (double)width;
            for (size_t j = 0; j < width; j++) squares += pow(get(dense, x_type, row + j) - mean, 2);
        }
        expected[i] =
            (get(dense, x_type, i) - mean) / sqrt(squares / (double)width + 1e-5) * weight[i - row] + bias[i - row];
    }
    for (size_t i = 0; i < rows * stride; i++) put(y, y_type, i, -77);
    lz_layer_norm(rows, width, dense, x_type, weight, bias, 1e-5f, y, y_type);
    bool good = compare("layer norm", width, y, y_type, width, expected, message, size);
    for (size_t i = 0; i < rows * width; i++) {
        const size_t row = i / width * width;
        if (i == row) squares = 0;
        for (size_t j = 0; i == row && j < width; j++) squares += pow(get(dense, x_type, row + j), 2);
        expected[i] = get(dense, x_type, i) / sqrt(squares / (double)width + 1e-6) * weight[i - row];
    }
    for (size_t i = 0; i < rows * stride; i++) put(y, y_type, i, -77);
    lz_rms_norm(rows, width, spaced, x_type, stride, weight, 1e-6f, y, y_type, stride);
    good = good && compare("RMS norm", width, y, y_type, stride, expected, message, size);
    for (size_t i = 0; i < rows * width; i++) {
        const size_t row = i / width * width;
        if (i == row) sum = 0;
        for (size_t j = 0; i == row && j < width; j++) sum += exp((double)plain[row + j] - plain[row]);
        expected[i] = exp((double)plain[i] - plain[row]) / sum;
    }
    lz_softmax(rows, width, plain, soft);
    good = good && compare("softmax", width, soft, LZ_F32, width, expected, message, size);
    free(weight);
    free(dense);
    free(spaced);
    free(y);
    free(plain);
    free(soft);
    free(expected);
    return good;
}
