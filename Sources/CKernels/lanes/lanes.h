// What the vector bodies of this folder add to vectors.h: tails, 16-bit floats, permutations and reductions.
#ifndef LAZULI_LANES_H
#define LAZULI_LANES_H

#if defined(HARDWARE_BF16)
#include "../avx512/rough.h"
#else
#include "../vector_math.h"
#endif

// Sanitised builds leave the loops as they are.
#pragma clang diagnostic ignored "-Wpass-failed"

typedef float v4f __attribute__((ext_vector_type(4)));
typedef float v8f __attribute__((ext_vector_type(8)));
typedef uint8_t vb __attribute__((ext_vector_type(LANES)));
typedef double vd __attribute__((ext_vector_type(LANES)));
typedef _Float16 v16 __attribute__((ext_vector_type(LANES)));

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

/// Elements i ..< i + LANES, or `count` of them when that is less; the other lanes are 0. LZ_F32 or LZ_BF16.
INLINE vf load_lanes(const void *x, lz_dtype type, size_t i, size_t count) {
    return __builtin_expect(count >= LANES, 1) ? load_vector(x, type, i) : load_part(x, type, i, count);
}

INLINE void store_lanes(void *y, lz_dtype type, size_t i, size_t count, vf value) {
    if (__builtin_expect(count >= LANES, 1)) {
        store_vector(y, type, i, value);
    } else {
        store_part(y, type, i, value, count);
    }
}

/// The activation of a value that will be stored as `type`.
INLINE vf activate_for(lz_dtype type, vf x, lz_activation activation) {
#if defined(HARDWARE_BF16)
    if (type == LZ_BF16) return activate_roughly(x, activation);
#endif
    (void)type;
    return activate(x, activation);
}

/// All bits of the first `count` lanes.
INLINE vi first_lanes(size_t count) { return (vi){COUNTING} < (vi)(int32_t)smaller(count, LANES); }

/// The larger; b when either is NaN.
INLINE vf larger_of(vf a, vf b) { return a > b ? a : b; }

/// Pairwise, so that it costs four additions and no places.
INLINE float sum_of(vf x) {
#if LANES == 16
    v8f eight = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
#elif LANES == 8
    v8f eight = x;
#endif
#if LANES >= 8
    v4f four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
#else
    v4f four = x;
#endif
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/// The largest lane, or NaN if there is one.
INLINE float largest_of(vf x) {
    float largest = x[0];
    for (size_t i = 1; i < LANES; i++) largest = x[i] > largest || x[i] != x[i] ? x[i] : largest;
    return largest;
}

/// Transposes LANES vectors of LANES in place: log₂ LANES perfect shuffles.
INLINE void transpose(vf rows[LANES]) {
#pragma clang loop unroll(full)
    for (size_t step = 1; step < LANES; step *= 2) {
        vf next[LANES];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < LANES / 2; i++) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], ZIP_LOW);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], ZIP_HIGH);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < LANES; i++) rows[i] = next[i];
    }
}

#endif
