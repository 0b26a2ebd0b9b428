// Vectors of LANES f32 in the compiler's portable vector types. An instruction set's source defines LANES, switches its
// target on, and includes the bodies of this folder, which are written once for all.
#ifndef LAZULI_LANES_H
#define LAZULI_LANES_H

#include "../numbers.h"

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t integers __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));
typedef uint8_t octets __attribute__((vector_size(LANES)));
typedef double doubles __attribute__((vector_size(8 * LANES)));
typedef _Float16 float16s __attribute__((vector_size(2 * LANES)));

#define ALWAYS static inline __attribute__((always_inline))

#if LANES == 16
#define COUNTING 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define ZIP_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ZIP_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#elif LANES == 8
#define COUNTING 0, 1, 2, 3, 4, 5, 6, 7
#define ZIP_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define ZIP_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#else
#define COUNTING 0, 1, 2, 3
#define ZIP_LOW 0, 4, 1, 5
#define ZIP_HIGH 2, 6, 3, 7
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#endif

ALWAYS floats splat(float x) { return (floats){0} + x; }
ALWAYS floats fused(floats a, floats b, floats c) { return __builtin_elementwise_fma(a, b, c); }

/// Where `mask` is set (all bits of a lane) `a`, else `b`.
ALWAYS floats choose(integers mask, floats a, floats b) {
    return (floats)(((integers)a & mask) | ((integers)b & ~mask));
}

/// The larger; b when either is NaN.
ALWAYS floats larger_of(floats a, floats b) { return choose(a > b, a, b); }
ALWAYS floats smaller_of(floats a, floats b) { return choose(a < b, a, b); }
ALWAYS floats magnitude(floats x) { return (floats)((integers)x & 0x7fffffff); }

ALWAYS floats load_floats(const float *x) {
    floats value;
    memcpy(&value, x, sizeof value);
    return value;
}

ALWAYS void store_floats(float *y, floats value) { memcpy(y, &value, sizeof value); }

ALWAYS floats floats_of_bf16(halves x) { return (floats)(__builtin_convertvector(x, words) << 16); }

/// Round to nearest even; NaN stays NaN, subnormals stay.
ALWAYS halves bf16_of_floats(floats x) {
    words bits = (words)x;
    words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    words quiet = (bits >> 16) | 0x40;
    words nan = (words)(x != x);
    return __builtin_convertvector((quiet & nan) | (rounded & ~nan), halves);
}

ALWAYS floats load_whole(const void *x, lz_dtype type, size_t i) {
    if (type == LZ_F32) return load_floats((const float *)x + i);
    halves value;
    memcpy(&value, (const uint16_t *)x + i, sizeof value);
    if (type == LZ_BF16) return floats_of_bf16(value);
    return __builtin_convertvector((float16s)value, floats);
}

ALWAYS void store_whole(void *y, lz_dtype type, size_t i, floats value) {
    if (type == LZ_F32) {
        store_floats((float *)y + i, value);
        return;
    }
    halves narrow = type == LZ_BF16 ? bf16_of_floats(value) : (halves)__builtin_convertvector(value, float16s);
    memcpy((uint16_t *)y + i, &narrow, sizeof narrow);
}

static __attribute__((noinline)) floats load_part(const void *x, lz_dtype type, size_t i, size_t count) {
    uint32_t room[LANES] = {0};
    memcpy(room, element_at(x, type, i), count * element_size(type));
    return load_whole(room, type, 0);
}

static __attribute__((noinline)) void store_part(void *y, lz_dtype type, size_t i, size_t count, floats value) {
    uint32_t room[LANES];
    store_whole(room, type, 0, value);
    memcpy(element_at_mutable(y, type, i), room, count * element_size(type));
}

/// Elements i ..< i + count, count ≤ LANES; the other lanes are 0.
ALWAYS floats load_lanes(const void *x, lz_dtype type, size_t i, size_t count) {
    return __builtin_expect(count >= LANES, 1) ? load_whole(x, type, i) : load_part(x, type, i, count);
}

ALWAYS void store_lanes(void *y, lz_dtype type, size_t i, size_t count, floats value) {
    if (__builtin_expect(count >= LANES, 1)) store_whole(y, type, i, value);
    else store_part(y, type, i, count, value);
}

ALWAYS double sum_of(floats x) {
    double sum = 0;
    for (size_t i = 0; i < LANES; i++) sum += x[i];
    return sum;
}

ALWAYS float largest_of(floats x) {
    float largest = x[0];
    for (size_t i = 1; i < LANES; i++) largest = x[i] > largest || x[i] != x[i] ? x[i] : largest;
    return largest;
}

/// Transposes LANES vectors of LANES in place: log₂ LANES perfect shuffles.
ALWAYS void transpose(floats rows[LANES]) {
    for (size_t step = 1; step < LANES; step *= 2) {
        floats next[LANES];
        for (size_t i = 0; i < LANES / 2; i++) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], ZIP_LOW);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], ZIP_HIGH);
        }
        for (size_t i = 0; i < LANES; i++) rows[i] = next[i];
    }
}

#endif
