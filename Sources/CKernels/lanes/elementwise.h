// Elementwise arithmetic on vectors.
#include "math.h"
#include "../vector_kernels.h"

ALWAYS void activate_as(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES)
        store_lanes(y, y_type, i, count - i, activated(activation, load_lanes(x, x_type, i, count - i)));
}

static void activate(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    switch (activation) {
    case LZ_SILU: activate_as(count, LZ_SILU, x, x_type, y, y_type); break;
    case LZ_GELU: activate_as(count, LZ_GELU, x, x_type, y, y_type); break;
    default: activate_as(count, activation, x, x_type, y, y_type);
    }
}

static void blend(size_t count, float a, const void *x, lz_dtype x_type, float b, const void *z, lz_dtype z_type, void *y,
                  lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES) {
        floats value = a * load_lanes(x, x_type, i, count - i);
        if (z) value = fused(splat(b), load_lanes(z, z_type, i, count - i), value);
        store_lanes(y, y_type, i, count - i, value);
    }
}

static void multiply(size_t count, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type, void *y,
                     lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES) {
        floats value = load_lanes(x, x_type, i, count - i) * load_lanes(z, z_type, i, count - i);
        store_lanes(y, y_type, i, count - i, value);
    }
}

ALWAYS void gated_as(size_t count, lz_activation activation, const void *value, const void *gate, lz_dtype x_type, void *y,
                     lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES) {
        floats open = activated(activation, load_lanes(gate, x_type, i, count - i));
        store_lanes(y, y_type, i, count - i, open * load_lanes(value, x_type, i, count - i));
    }
}

static void gated(size_t count, lz_activation activation, const void *value, const void *gate, lz_dtype x_type, void *y,
                  lz_dtype y_type) {
    switch (activation) {
    case LZ_SILU: gated_as(count, LZ_SILU, value, gate, x_type, y, y_type); break;
    case LZ_GELU: gated_as(count, LZ_GELU, value, gate, x_type, y, y_type); break;
    default: gated_as(count, activation, value, gate, x_type, y, y_type);
    }
}

static void rotate_halves(size_t half, const float *cosine, const float *sine, void *x, lz_dtype type) {
    for (size_t i = 0; i < half; i += LANES) {
        size_t count = half - i;
        floats c = load_lanes(cosine, LZ_F32, i, count), s = load_lanes(sine, LZ_F32, i, count);
        floats a = load_lanes(x, type, i, count), b = load_lanes(x, type, i + half, count);
        store_lanes(x, type, i, count, a * c - b * s);
        store_lanes(x, type, i + half, count, b * c + a * s);
    }
}

static void rotate_pairs(size_t half, const float *cosine, const float *sine, void *x, lz_dtype type) {
    for (size_t i = 0; i < half; i += LANES) {
        size_t count = half - i, first = smaller(2 * count, LANES), second = 2 * count - first;
        floats c = load_lanes(cosine, LZ_F32, i, count), s = load_lanes(sine, LZ_F32, i, count);
        floats low = load_lanes(x, type, 2 * i, first), high = {0};
        if (second) high = load_lanes(x, type, 2 * i + LANES, second);
        floats a = __builtin_shufflevector(low, high, EVEN), b = __builtin_shufflevector(low, high, ODD);
        floats p = a * c - b * s, q = b * c + a * s;
        store_lanes(x, type, 2 * i, first, __builtin_shufflevector(p, q, ZIP_LOW));
        if (second) store_lanes(x, type, 2 * i + LANES, second, __builtin_shufflevector(p, q, ZIP_HIGH));
    }
}

static void rotate(size_t heads, size_t head_size, const float *cosine, const float *sine, bool interleaved, void *x,
                   lz_dtype type) {
    for (size_t h = 0; h < heads; h++) {
        void *head = element_at_mutable(x, type, h * head_size);
        if (interleaved) rotate_pairs(head_size / 2, cosine, sine, head, type);
        else rotate_halves(head_size / 2, cosine, sine, head, type);
    }
}

static void convert(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES)
        store_lanes(y, y_type, i, count - i, load_lanes(x, x_type, i, count - i));
}

static size_t first_non_finite(size_t count, const void *x, lz_dtype type) {
    enum { stretch = 32 * LANES };
    for (size_t first = 0; first < count; first += stretch) {
        size_t end = smaller(first + stretch, count);
        integers found = {0};
        for (size_t i = first; i < end; i += LANES) {
            integers exponent = (integers)load_lanes(x, type, i, end - i) & 0x7f800000;
            found |= exponent == 0x7f800000;
        }
        if (__builtin_reduce_or(found) == 0) continue;
        for (size_t i = first; i < end; i++)
            if ((bits_of_float(load_element(x, type, i)) & 0x7f800000) == 0x7f800000) return i;
    }
    return count;
}

static void resample_rows_u8(size_t width, size_t taps, const int32_t *weights, const uint8_t *x, size_t x_stride,
                             uint8_t *y) {
    for (size_t i = 0; i < width; i += LANES) {
        size_t count = smaller(width - i, LANES);
        integers sum = (integers){0} + (1 << 21);
        for (size_t j = 0; j < taps; j++) {
            octets bytes = {0};
            if (count == LANES) memcpy(&bytes, x + j * x_stride + i, LANES);
            else memcpy(&bytes, x + j * x_stride + i, count);
            sum += weights[j] * __builtin_convertvector(bytes, integers);
        }
        sum >>= 22;
        sum = __builtin_elementwise_min(__builtin_elementwise_max(sum, (integers){0}), (integers){0} + 255);
        octets bytes = __builtin_convertvector(sum, octets);
        memcpy(y + i, &bytes, count);
    }
}

static void resample_rows_f32(size_t width, size_t taps, const double *weights, const float *x, size_t x_stride,
                              float *y) {
#pragma clang fp contract(off)
    for (size_t i = 0; i < width; i += LANES) {
        doubles sum = {0};
        for (size_t j = 0; j < taps; j++)
            sum += __builtin_convertvector(load_lanes(x, LZ_F32, j * x_stride + i, width - i), doubles) * weights[j];
        store_lanes(y, LZ_F32, i, width - i, __builtin_convertvector(sum, floats));
    }
}

static void lanes_elementwise(vector_kernels *kernels) {
    kernels->activate = activate;
    kernels->blend = blend;
    kernels->multiply = multiply;
    kernels->gated = gated;
    kernels->rotate = rotate;
    kernels->convert = convert;
    kernels->first_non_finite = first_non_finite;
    kernels->resample_rows_u8 = resample_rows_u8;
    kernels->resample_rows_f32 = resample_rows_f32;
}
