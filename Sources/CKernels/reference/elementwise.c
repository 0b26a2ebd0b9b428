// Elementwise arithmetic, conversion and rotary embedding, one element at a time.
#include <math.h>

#include "../vector_kernels.h"
#include "activation.h"
#include "../numbers.h"
#include "tables.h"

static void activate(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i++)
        store_element(y, y_type, i, activate_scalar(activation, load_element(x, x_type, i)));
}

static void blend(size_t count, float a, const void *x, lz_dtype x_type, float b, const void *z, lz_dtype z_type,
                  void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i++) {
        float value = a * load_element(x, x_type, i);
        if (z) value += b * load_element(z, z_type, i);
        store_element(y, y_type, i, value);
    }
}

static void multiply(size_t count, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type, void *y,
                     lz_dtype y_type) {
    for (size_t i = 0; i < count; i++)
        store_element(y, y_type, i, load_element(x, x_type, i) * load_element(z, z_type, i));
}

static void gated(size_t count, lz_activation activation, const void *value, const void *gate, lz_dtype x_type, void *y,
                  lz_dtype y_type) {
    for (size_t i = 0; i < count; i++)
        store_element(y, y_type, i,
                      load_element(value, x_type, i) * activate_scalar(activation, load_element(gate, x_type, i)));
}

static void rotate(size_t heads, size_t head_size, const float *cosine, const float *sine, bool interleaved, void *x,
                   lz_dtype type) {
    size_t half = head_size / 2;
    for (size_t h = 0; h < heads; h++) {
        for (size_t i = 0; i < half; i++) {
            size_t first = h * head_size + (interleaved ? 2 * i : i);
            size_t second = h * head_size + (interleaved ? 2 * i + 1 : i + half);
            float a = load_element(x, type, first), b = load_element(x, type, second);
            store_element(x, type, first, a * cosine[i] - b * sine[i]);
            store_element(x, type, second, b * cosine[i] + a * sine[i]);
        }
    }
}

static void convert(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i++) store_element(y, y_type, i, load_element(x, x_type, i));
}

static void prelu(size_t width, const void *x, lz_dtype x_type, const float *slopes, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < width; i++) {
        float value = load_element(x, x_type, i);
        store_element(y, y_type, i, value > 0 ? value : slopes[i] * value);
    }
}

static size_t first_non_finite(size_t count, const void *x, lz_dtype type) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(load_element(x, type, i))) return i;
    return count;
}

static void resample_rows_u8(size_t width, size_t taps, const int32_t *weights, const uint8_t *x, size_t x_stride,
                             uint8_t *y) {
    for (size_t i = 0; i < width; i++) {
        int32_t sum = 1 << 21;
        for (size_t j = 0; j < taps; j++) sum += weights[j] * x[j * x_stride + i];
        sum >>= 22;
        y[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

static void resample_rows_f32(size_t width, size_t taps, const double *weights, const float *x, size_t x_stride,
                              float *y) {
    for (size_t i = 0; i < width; i++) {
        double sum = 0;
        for (size_t j = 0; j < taps; j++) sum += weights[j] * x[j * x_stride + i];
        y[i] = (float)sum;
    }
}

void reference_elementwise(vector_kernels *table) {
    table->activate = activate;
    table->blend = blend;
    table->multiply = multiply;
    table->gated = gated;
    table->rotate = rotate;
    table->convert = convert;
    table->prelu = prelu;
    table->first_non_finite = first_non_finite;
    table->resample_rows_u8 = resample_rows_u8;
    table->resample_rows_f32 = resample_rows_f32;
}
