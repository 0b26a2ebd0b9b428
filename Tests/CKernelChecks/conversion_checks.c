// Conversion of every 16-bit pattern and of many 32-bit ones.
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "vector_checks.h"

/// The value of a half or bfloat by its definition.
static double value_of(uint16_t bits, lz_dtype type) {
    const int fraction_bits = type == LZ_F16 ? 10 : 7, bias = type == LZ_F16 ? 15 : 127;
    const int exponent = bits >> fraction_bits & (type == LZ_F16 ? 31 : 255);
    const double fraction = bits & ((1 << fraction_bits) - 1), sign = bits & 0x8000 ? -1 : 1;
    if (exponent == (type == LZ_F16 ? 31 : 255)) return fraction == 0 ? sign * (double)INFINITY : (double)NAN;
    if (exponent == 0) return sign * ldexp(fraction, 1 - bias - fraction_bits);
    return sign * ldexp(fraction + ldexp(1, fraction_bits), exponent - bias - fraction_bits);
}

static bool same(double a, double b) { return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b); }

static bool check_widening(lz_dtype type, char *message, size_t size) {
    enum { count = 65536 };
    uint16_t *x = malloc(2 * count * sizeof(uint16_t)), *back = x + count;
    float *y = malloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++) x[i] = (uint16_t)i;
    lz_convert(count, x, type, y, LZ_F32);
    lz_convert(count, y, LZ_F32, back, type);
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        good = same(y[i], value_of(x[i], type)) && (isnan(y[i]) ? isnan(value_of(back[i], type)) : back[i] == x[i]);
        if (!good)
            snprintf(message, size, "type %d, pattern %04zx: %g and back %04x", (int)type, i, (double)y[i], back[i]);
    }
    free(x);
    free(y);
    return good;
}

/// Nearest, ties to even: no neighbour may be nearer, and an odd result may not be as near as a neighbour.
static bool check_narrowing(lz_dtype type, char *message, size_t size) {
    enum { count = 200003 };
    float *x = malloc(count * sizeof(float));
    uint16_t *y = malloc(count * sizeof(uint16_t));
    uint64_t state = 5;
    for (size_t i = 0; i < count; i++) {
        // Half of the patterns are halfway between two results, or a bit beside.
        uint32_t bits = (uint32_t)next_random(&state);
        const int dropped = type == LZ_F16 ? 13 : 16;
        if (i % 2) bits = (bits >> dropped << dropped) + (1u << (dropped - 1)) + (uint32_t)below(&state, 3) - 1;
        memcpy(&x[i], &bits, sizeof bits);
    }
    lz_convert(count, x, LZ_F32, y, type);
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        const double got = value_of(y[i], type), limit = type == LZ_F16 ? 65520 : ldexp(511, 119);
        if (isnan(x[i])) {
            good = isnan(got);
        } else if (fabs((double)x[i]) >= limit) {
            good = isinf(got) && signbit(got) == signbit(x[i]);
        } else {
            const double error = fabs(got - x[i]);
            const double below_it = fabs(value_of((uint16_t)(y[i] - 1), type) - x[i]);
            const double above_it = fabs(value_of((uint16_t)(y[i] + 1), type) - x[i]);
            const bool odd = y[i] & 1, zero = (y[i] & 0x7fff) == 0;
            good = signbit(got) == signbit(x[i]) && (zero || (odd ? error < below_it : error <= below_it)) &&
                   (isinf(above_it) || isnan(above_it) || (odd ? error < above_it : error <= above_it));
        }
        if (!good) snprintf(message, size, "%a to type %d gives %04x", (double)x[i], (int)type, y[i]);
    }
    free(x);
    free(y);
    return good;
}

bool check_conversion(char *message, size_t size) {
    return check_widening(LZ_F16, message, size) && check_widening(LZ_BF16, message, size) &&
           check_narrowing(LZ_F16, message, size) && check_narrowing(LZ_BF16, message, size);
}
