// What the vector bodies of this folder add to vectors.h: tails, 16-bit floats, permutations and reductions.
#ifndef LAZULI_LANES_H
#define LAZULI_LANES_H

#include "../vector_math.h"

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

/// All bits of the first `count` lanes.
INLINE vi first_lanes(size_t count) { return (vi){COUNTING} < (vi)(int32_t)smaller(count, LANES); }

/// The larger; b when either is NaN.
INLINE vf larger_of(vf a, vf b) { return a > b ? a : b; }

INLINE double sum_of(vf x) {
    double sum = 0;
    for (size_t i = 0; i < LANES; i++) sum += x[i];
    return sum;
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
