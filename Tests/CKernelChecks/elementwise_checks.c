// Elementwise arithmetic and conversion.
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "vector_checks.h"

enum { guard = 40, extra = 3 };  // elements beyond the outputs; width of the second part of a join

static double activated(lz_activation activation, double x) {
    switch (activation) {
    case LZ_SILU: return x / (1 + exp(-x));
    case LZ_GELU: return 0.5 * x * erfc(-x * 0.70710678118654752440);
    case LZ_GELU_TANH: return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case LZ_QUICK_GELU: return x / (1 + exp(-1.702 * x));
    case LZ_RELU: return x < 0 ? 0 : x;
    case LZ_TANH: return tanh(x);
    case LZ_SIGMOID: return 1 / (1 + exp(-x));
    default: return x;
    }
}

bool check_activations(char *message, size_t size) {
    enum { count = 40001 };
    float *x = malloc(2 * count * sizeof(float)), *y = x + count;
    bool good = true;
    for (size_t i = 0; i < count; i++) x[i] = (float)i * 1e-3f - 20;
    for (lz_activation activation = LZ_IDENTITY; good && activation <= LZ_SIGMOID; activation++) {
        lz_activate(count, activation, x, LZ_F32, y, LZ_F32);
        for (size_t i = 0; good && i < count; i++) {
            const double value = activated(activation, x[i]);
            good = fabs(y[i] - value) <= 2e-6;
            if (!good)
                snprintf(message, size, "activation %d of %g: %g instead of %g", (int)activation, (double)x[i],
                         (double)y[i], value);
        }
        // NaN stays NaN, or the finite checks would miss it.
        float none = NAN;
        lz_activate(1, activation, &none, LZ_F32, &none, LZ_F32);
        if (good && !isnan(none)) snprintf(message, size, "activation %d of NaN: %g", (int)activation, (double)none);
        good = good && isnan(none);
    }
    free(x);
    return good;
}

typedef struct {
    void *x, *z, *y;
    lz_dtype x_type, z_type, y_type;
    size_t count;
    char *message;
    size_t size;
} operands;

static bool matches(const operands *o, const char *what, size_t i, double value) {
    const double tolerance = o->y_type == LZ_F32 ? 2e-6 * (1 + fabs(value)) : fabs(value) * 0x1.2p-8 + 1e-6;
    if (fabs(get(o->y, o->y_type, i) - value) <= tolerance) return true;
    snprintf(o->message, o->size, "%s of %zu, types %d %d %d, element %zu: %g instead of %g", what, o->count,
             (int)o->x_type, (int)o->z_type, (int)o->y_type, i, (double)get(o->y, o->y_type, i), value);
    return false;
}

/// Beyond `written` elements nothing may change.
static bool untouched(const operands *o, const char *what, size_t written) {
    for (size_t i = written; i < written + guard; i++)
        if (!matches(o, what, i, -77)) return false;
    return true;
}

static void clear(const operands *o) {
    for (size_t i = 0; i < 2 * o->count + extra + guard; i++) put(o->y, o->y_type, i, -77);
}

static bool check_arithmetic(const operands *o) {
    const size_t n = o->count;
    bool good = true;
    clear(o);
    lz_blend(n, 0.5f, o->x, o->x_type, -2, o->z, o->z_type, o->y, o->y_type);
    for (size_t i = 0; good && i < n; i++)
        good = matches(o, "blend", i, 0.5 * get(o->x, o->x_type, i) - 2.0 * get(o->z, o->z_type, i));
    good = good && untouched(o, "blend", n);
    lz_blend(n, 3, o->x, o->x_type, 0, NULL, o->z_type, o->y, o->y_type);
    for (size_t i = 0; good && i < n; i++) good = matches(o, "scale", i, 3.0 * get(o->x, o->x_type, i));
    lz_multiply(n, o->x, o->x_type, o->z, o->z_type, o->y, o->y_type);
    for (size_t i = 0; good && i < n; i++)
        good = matches(o, "product", i, (double)get(o->x, o->x_type, i) * get(o->z, o->z_type, i));
    lz_add_row(2, n, o->x, o->x_type, o->z, o->z_type, o->y, o->y_type);
    for (size_t i = 0; good && i < 2 * n; i++)
        good = matches(o, "row sum", i, (double)get(o->x, o->x_type, i) + get(o->z, o->z_type, i % n));
    return good && untouched(o, "row sum", 2 * n);
}

static bool check_prelu(const operands *o, const float *slopes) {
    const size_t n = o->count;
    clear(o);
    lz_prelu(2, n, o->x, o->x_type, slopes, o->y, o->y_type);
    bool good = true;
    for (size_t i = 0; good && i < 2 * n; i++) {
        const double value = get(o->x, o->x_type, i);
        good = matches(o, "PReLU", i, value > 0 ? value : slopes[i % n] * value);
    }
    return good && untouched(o, "PReLU", 2 * n);
}

static bool check_gated(const operands *o) {
    const size_t n = o->count;
    bool good = true;
    clear(o);
    lz_gated(1, n, LZ_GELU, true, o->x, o->x_type, o->y, o->y_type);
    for (size_t i = 0; good && i < n; i++)
        good = matches(o, "GEGLU", i, get(o->x, o->x_type, i) * activated(LZ_GELU, get(o->x, o->x_type, n + i)));
    lz_gated(1, n, LZ_SILU, false, o->x, o->x_type, o->y, o->y_type);
    for (size_t i = 0; good && i < n; i++)
        good = matches(o, "SwiGLU", i, activated(LZ_SILU, get(o->x, o->x_type, i)) * get(o->x, o->x_type, n + i));
    return good && untouched(o, "gate", n);
}

static bool check_rotation(const operands *o, const float *cosine, const float *sine, bool interleaved) {
    const size_t half = o->count, size = 2 * half;  // one head of one token
    bool good = true;
    for (size_t i = 0; i < size; i++) put(o->y, o->y_type, i, get(o->x, o->x_type, i));
    for (size_t i = size; i < size + guard; i++) put(o->y, o->y_type, i, -77);
    lz_rotate(1, 1, size, size, cosine, sine, interleaved, o->y, o->y_type);
    for (size_t i = 0; good && i < half; i++) {
        const size_t first = interleaved ? 2 * i : i, second = interleaved ? 2 * i + 1 : i + half;
        double a = get(o->x, o->x_type, first), b = get(o->x, o->x_type, second);
        if (o->y_type == LZ_BF16) a = rounded_to_bf16((float)a), b = rounded_to_bf16((float)b);
        good = matches(o, "rotation", first, a * cosine[i] - b * sine[i]) &&
               matches(o, "rotation", second, b * cosine[i] + a * sine[i]);
    }
    return good && untouched(o, "rotation", size);
}

static bool check_join(const operands *o) {
    const size_t n = o->count;
    clear(o);
    lz_join(1, n, o->x, extra, o->z, o->y, o->y_type);
    bool good = true;
    for (size_t i = 0; good && i < n + extra; i++)
        good = matches(o, "join", i, i < n ? get(o->x, o->x_type, i) : get(o->z, o->z_type, i - n));
    return good && untouched(o, "join", n + extra);
}

bool check_elementwise(size_t count, char *message, size_t size) {
    uint64_t state = count;
    const size_t room = 2 * count + extra + guard;
    operands o = {malloc(room * 4), malloc(room * 4), malloc(room * 4), LZ_F32, LZ_F32, LZ_F32, count, message, size};
    float *cosine = malloc(2 * (count + 1) * sizeof(float)), *sine = cosine + count + 1;
    for (size_t i = 0; i < 2 * (count + 1); i++) cosine[i] = next_number(&state);
    bool good = true;
    for (int types = 0; good && types < 8; types++) {
        o.x_type = types & 1 ? LZ_BF16 : LZ_F32;
        o.z_type = types & 2 ? LZ_BF16 : LZ_F32;
        o.y_type = types & 4 ? LZ_BF16 : LZ_F32;
        for (size_t i = 0; i < room; i++) {
            const bool inside = i < 2 * count;
            put(o.x, o.x_type, i, inside ? 4 * next_number(&state) : NAN);
            put(o.z, o.z_type, i, inside || i < 2 * count + extra ? 4 * next_number(&state) : NAN);
        }
        good = check_arithmetic(&o) && check_prelu(&o, cosine) && check_gated(&o) && check_rotation(&o, cosine, sine, false) &&
               check_rotation(&o, cosine, sine, true);
        if (good && (types == 0 || types == 7)) good = check_join(&o);
    }
    free(o.x);
    free(o.z);
    free(o.y);
    free(cosine);
    return good;
}

bool check_finite(size_t count, char *message, size_t size) {
    static const lz_dtype types[] = {LZ_F32, LZ_F16, LZ_BF16};
    float *x = malloc((count + 1) * sizeof(float)), *y = malloc((count + 1) * sizeof(float));
    bool good = true;
    for (size_t i = 0; i < count; i++) x[i] = (float)i;
    for (size_t t = 0; good && t < 3; t++) {
        for (size_t at = 0; good && at <= count; at++) {
            if (at < count) x[at] = at % 2 ? NAN : -INFINITY;
            lz_convert(count, x, LZ_F32, y, types[t]);
            const size_t found = lz_first_non_finite(count, y, types[t]);
            good = found == (at < count ? at : SIZE_MAX);
            if (!good)
                snprintf(message, size, "type %d: found %zu instead of %zu of %zu", (int)types[t], found, at, count);
            if (at < count) x[at] = 1;
        }
    }
    free(x);
    free(y);
    return good;
}
