// Norms and softmax with plain loops; sums in double.
#include <math.h>

#include "activation.h"
#include "../numbers.h"
#include "tables.h"

static void layer_norm(size_t width, const void *x, lz_dtype x_type, const float *weight, const float *bias, float eps,
                       void *y, lz_dtype y_type) {
    double sum = 0, deviation = 0;
    for (size_t i = 0; i < width; i++) sum += load_element(x, x_type, i);
    double mean = sum / (double)width;
    for (size_t i = 0; i < width; i++) {
        double d = load_element(x, x_type, i) - mean;
        deviation += d * d;
    }
    double factor = 1 / sqrt(deviation / (double)width + eps);
    for (size_t i = 0; i < width; i++) {
        double value = (load_element(x, x_type, i) - mean) * factor;
        store_element(y, y_type, i, (float)(value * (weight ? weight[i] : 1) + (bias ? bias[i] : 0)));
    }
}

static void rms_norm(size_t width, const void *x, lz_dtype x_type, const float *weight, float eps, void *y,
                     lz_dtype y_type) {
    double squares = 0;
    for (size_t i = 0; i < width; i++) {
        double value = load_element(x, x_type, i);
        squares += value * value;
    }
    double factor = 1 / sqrt(squares / (double)width + eps);
    for (size_t i = 0; i < width; i++)
        store_element(y, y_type, i, (float)(load_element(x, x_type, i) * factor * (weight ? weight[i] : 1)));
}

static void softmax(size_t width, const float *x, float *y) {
    float largest = -INFINITY;
    for (size_t i = 0; i < width; i++) largest = x[i] > largest || isnan(x[i]) ? x[i] : largest;
    if (largest == -INFINITY) largest = 0;
    double sum = 0;
    for (size_t i = 0; i < width; i++) {
        y[i] = expf(x[i] - largest);
        sum += y[i];
    }
    float factor = sum == 0 ? 0 : (float)(1 / sum);
    for (size_t i = 0; i < width; i++) y[i] *= factor;
}

static void channel_moments(size_t pixels, size_t channels, const void *x, lz_dtype x_type, size_t stride, float *mean,
                            float *deviation) {
    for (size_t c = 0; c < channels; c++) {
        double sum = 0, squares = 0;
        for (size_t p = 0; p < pixels; p++) sum += load_element(x, x_type, p * stride + c);
        sum /= (double)pixels;
        for (size_t p = 0; p < pixels; p++) {
            double d = load_element(x, x_type, p * stride + c) - sum;
            squares += d * d;
        }
        mean[c] = (float)sum;
        deviation[c] = (float)squares;
    }
}

static void normalise(size_t pixels, size_t channels, const void *x, lz_dtype x_type, size_t stride, const float *mean,
                      const float *factor, const float *bias, lz_activation activation, void *y, lz_dtype y_type) {
    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0; c < channels; c++) {
            float value = (load_element(x, x_type, p * stride + c) - mean[c]) * factor[c] + bias[c];
            store_element(y, y_type, p * stride + c, activate_scalar(activation, value));
        }
    }
}

void reference_norms(vector_kernels *table) {
    table->layer_norm = layer_norm;
    table->rms_norm = rms_norm;
    table->softmax = softmax;
    table->channel_moments = channel_moments;
    table->normalise = normalise;
}
