// Elementwise arithmetic on vectors.
#include "lanes.h"
#include "../vector_kernels.h"

INLINE void activate_as(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y,
                        lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES)
        store_lanes(y, y_type, i, count - i, activate_for(y_type, load_lanes(x, x_type, i, count - i), activation));
}

static void activate_elements(size_t count, lz_activation activation, const void *x, lz_dtype x_type, void *y,
                              lz_dtype y_type) {
    if (y_type == LZ_BF16 && activation == LZ_SILU)
        activate_as(count, LZ_SILU, x, x_type, y, LZ_BF16);
    else if (y_type == LZ_BF16 && activation == LZ_GELU)
        activate_as(count, LZ_GELU, x, x_type, y, LZ_BF16);
    else
        activate_as(count, activation, x, x_type, y, y_type);
}

static void blend(size_t count, float a, const void *x, lz_dtype x_type, float b, const void *z, lz_dtype z_type,
                  void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES) {
        vf value = a * load_lanes(x, x_type, i, count - i);
        if (z) value = fused((vf)b, load_lanes(z, z_type, i, count - i), value);
        store_lanes(y, y_type, i, count - i, value);
    }
}

static void multiply(size_t count, const void *x, lz_dtype x_type, const void *z, lz_dtype z_type, void *y,
                     lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES) {
        vf value = load_lanes(x, x_type, i, count - i) * load_lanes(z, z_type, i, count - i);
        store_lanes(y, y_type, i, count - i, value);
    }
}

INLINE void gated_as(size_t count, lz_activation activation, const void *value, const void *gate, lz_dtype x_type,
                     void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i += LANES) {
        vf open = activate_for(y_type, load_lanes(gate, x_type, i, count - i), activation);
        store_lanes(y, y_type, i, count - i, open * load_lanes(value, x_type, i, count - i));
    }
}

static void gated(size_t count, lz_activation activation, const void *value, const void *gate, lz_dtype x_type, void *y,
                  lz_dtype y_type) {
    if (y_type == LZ_BF16 && activation == LZ_SILU)
        gated_as(count, LZ_SILU, value, gate, x_type, y, LZ_BF16);
    else if (y_type == LZ_BF16 && activation == LZ_GELU)
        gated_as(count, LZ_GELU, value, gate, x_type, y, LZ_BF16);
    else
        gated_as(count, activation, value, gate, x_type, y, y_type);
}

static void rotate_halves(size_t half, const float *cosine, const float *sine, void *x, lz_dtype type) {
    for (size_t i = 0; i < half; i += LANES) {
        size_t count = half - i;
        vf c = load_lanes(cosine, LZ_F32, i, count), s = load_lanes(sine, LZ_F32, i, count);
        vf a = load_lanes(x, type, i, count), b = load_lanes(x, type, i + half, count);
        store_lanes(x, type, i, count, a * c - b * s);
        store_lanes(x, type, i + half, count, b * c + a * s);
    }
}

static void rotate_pairs(size_t half, const float *cosine, const float *sine, void *x, lz_dtype type) {
    for (size_t i = 0; i < half; i += LANES) {
        size_t count = half - i, first = smaller(2 * count, LANES), second = 2 * count - first;
        vf c = load_lanes(cosine, LZ_F32, i, count), s = load_lanes(sine, LZ_F32, i, count);
        vf low = load_lanes(x, type, 2 * i, first), high = {0};
        if (second) high = load_lanes(x, type, 2 * i + LANES, second);
        vf a = __builtin_shufflevector(low, high, EVEN), b = __builtin_shufflevector(low, high, ODD);
        vf p = a * c - b * s, q = b * c + a * s;
        store_lanes(x, type, 2 * i, first, __builtin_shufflevector(p, q, ZIP_LOW));
        if (second) store_lanes(x, type, 2 * i + LANES, second, __builtin_shufflevector(p, q, ZIP_HIGH));
    }
}

static void rotate(size_t heads, size_t head_size, const float *cosine, const float *sine, bool interleaved, void *x,
                   lz_dtype type) {
    for (size_t h = 0; h < heads; h++) {
        void *head = element_at_mutable(x, type, h * head_size);
        if (interleaved)
            rotate_pairs(head_size / 2, cosine, sine, head, type);
        else
            rotate_halves(head_size / 2, cosine, sine, head, type);
    }
}

INLINE vf load_any(const void *x, lz_dtype type, size_t i, size_t count) {
    if (type != LZ_F16) return load_lanes(x, type, i, count);
    v16 value = {0};
    memcpy(&value, (const uint16_t *)x + i, smaller(count, LANES) * sizeof(uint16_t));
    return __builtin_convertvector(value, vf);
}

INLINE void store_any(void *y, lz_dtype type, size_t i, size_t count, vf value) {
    if (type != LZ_F16) {
        store_lanes(y, type, i, count, value);
        return;
    }
    v16 narrow = __builtin_convertvector(value, v16);
    memcpy((uint16_t *)y + i, &narrow, smaller(count, LANES) * sizeof(uint16_t));
}

INLINE void convert_as(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) store_any(y, y_type, i, LANES, load_any(x, x_type, i, LANES));
    if (i < count) store_any(y, y_type, i, count - i, load_any(x, x_type, i, count - i));
}

static void convert(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    if (x_type == LZ_F16 && y_type == LZ_F32)
        convert_as(count, x, LZ_F16, y, LZ_F32);
    else if (x_type == LZ_F16 && y_type == LZ_BF16)
        convert_as(count, x, LZ_F16, y, LZ_BF16);
    else
        convert_as(count, x, x_type, y, y_type);
}

static void prelu(size_t width, const void *x, lz_dtype x_type, const float *slopes, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < width; i += LANES) {
        vf value = load_lanes(x, x_type, i, width - i), slope = load_lanes(slopes, LZ_F32, i, width - i);
        store_lanes(y, y_type, i, width - i, value > 0 ? value : slope * value);
    }
}

static size_t first_non_finite(size_t count, const void *x, lz_dtype type) {
    enum { stretch = 32 * LANES };
    for (size_t first = 0; first < count; first += stretch) {
        size_t end = smaller(first + stretch, count);
        vi found = {0};
        for (size_t i = first; i < end; i += LANES) {
            vi exponent = (vi)load_any(x, type, i, end - i) & 0x7f800000;
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
        vi sum = (vi)(1 << 21);
        for (size_t j = 0; j < taps; j++) {
            vb bytes = {0};
            if (count == LANES)
                memcpy(&bytes, x + j * x_stride + i, LANES);
            else
                memcpy(&bytes, x + j * x_stride + i, count);
            sum += weights[j] * __builtin_convertvector(bytes, vi);
        }
        sum >>= 22;
        sum = __builtin_elementwise_min(__builtin_elementwise_max(sum, (vi)0), (vi)255);
        vb bytes = __builtin_convertvector(sum, vb);
        memcpy(y + i, &bytes, count);
    }
}

static void resample_rows_f32(size_t width, size_t taps, const double *weights, const float *x, size_t x_stride,
                              float *y) {
#pragma clang fp contract(off)
    for (size_t i = 0; i < width; i += LANES) {
        vd sum = {0};
        for (size_t j = 0; j < taps; j++)
            sum += __builtin_convertvector(load_lanes(x, LZ_F32, j * x_stride + i, width - i), vd) * weights[j];
        store_lanes(y, LZ_F32, i, width - i, __builtin_convertvector(sum, vf));
    }
}

static void lanes_elementwise(vector_kernels *kernels) {
    kernels->activate = activate_elements;
    kernels->blend = blend;
    kernels->multiply = multiply;
    kernels->gated = gated;
    kernels->rotate = rotate;
    kernels->convert = convert;
    kernels->prelu = prelu;
    kernels->first_non_finite = first_non_finite;
    kernels->resample_rows_u8 = resample_rows_u8;
    kernels->resample_rows_f32 = resample_rows_f32;
}
