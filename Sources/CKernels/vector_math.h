// Elementary functions and activations on vectors (vectors.h). NaN stays NaN everywhere: the finite checks above rely
// on it.
#ifndef LAZULI_VECTOR_MATH_H
#define LAZULI_VECTOR_MATH_H

#include "vectors.h"

INLINE vf fused(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }

/// eˣ, relative error below 2e-7; 0 and ∞ beyond the range. With x = n·ln 2 + r, |r| ≤ ½ ln 2: 2ⁿ times Taylor's
/// polynomial, whose remainder r⁸/8! is below 4e-9. 2ⁿ is applied in two halves so that results may be subnormal.
INLINE vf exponential(vf x) {
    x = x < (vf)-104.0f ? (vf)-104.0f : x;
    x = x > (vf)89.0f ? (vf)89.0f : x;
    // Adding 1.5·2²³ rounds to an integer, which then stands in the low bits.
    const vf shifted = fused(x, (vf)1.44269504f, (vf)12582912.0f), n = shifted - (vf)12582912.0f;
    vf r = fused(n, (vf)-0.693359375f, x);  // ln 2 in two parts, the first of 10 bits
    r = fused(n, (vf)2.12194440e-4f, r);
    vf power = (vf)(1.0f / 5040);
    power = fused(power, r, (vf)(1.0f / 720));
    power = fused(power, r, (vf)(1.0f / 120));
    power = fused(power, r, (vf)(1.0f / 24));
    power = fused(power, r, (vf)(1.0f / 6));
    power = fused(power, r, (vf)0.5f);
    power = fused(power * r, r, r) + (vf)1.0f;
    const vi exponent = (vi)shifted - 0x4b400000, half = exponent >> 1;
    return power * (vf)((half + 127) << 23) * (vf)((exponent - half + 127) << 23);
}

/// σ(x) = 1 / (1 + e⁻ˣ).
INLINE vf logistic(vf x) { return (vf)1.0f / ((vf)1.0f + exponential(-x)); }

/// tanh x: the odd Taylor series near 0, where the quotient would cancel, else 1 − 2 / (e²ˣ + 1).
INLINE vf hyperbolic_tangent(vf x) {
    const vf square = x * x, size = __builtin_elementwise_abs(x);
    vf series = (vf)(-1382.0f / 155925);
    series = fused(series, square, (vf)(62.0f / 2835));
    series = fused(series, square, (vf)(-17.0f / 315));
    series = fused(series, square, (vf)(2.0f / 15));
    series = fused(series, square, (vf)(-1.0f / 3));
    const vf near = fused(series * square, x, x), far = (vf)1.0f - (vf)2.0f / (exponential(size + size) + (vf)1.0f);
    return size < (vf)0.3f ? near : (x < (vf)0.0f ? -far : far);
}

/// erfc |x|, relative error below 2e-7 up to |x| = 6: e^−x² times a minimax polynomial in 1 / (1 + 0.4|x|).
INLINE vf complementary_error(vf x) {
    const vf t = (vf)1.0f / fused(__builtin_elementwise_abs(x), (vf)0.4f, (vf)1.0f);
    vf sum = (vf)0.083876732f;
    sum = fused(sum, t, (vf)-0.445033632f);
    sum = fused(sum, t, (vf)0.798516192f);
    sum = fused(sum, t, (vf)-0.518337391f);
    sum = fused(sum, t, (vf)0.520334218f);
    sum = fused(sum, t, (vf)0.0858703844f);
    sum = fused(sum, t, (vf)0.252214555f);
    sum = fused(sum, t, (vf)0.222380952f);
    sum = fused(sum, t, (vf)0.000177975558f);
    return sum * exponential(-x * x);
}

/// x·Φ(x), by the tail ½ erfc(|x|/√2) on either side, so that large negative x keep their relative precision.
INLINE vf gelu(vf x) {
    const vf tail = (vf)0.5f * complementary_error(x * (vf)0.70710678f);
    return x * (x < (vf)0.0f ? tail : (vf)1.0f - tail);
}

/// Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415: ½x(1 + tanh u) = x·σ(2u), u = √(2/π)(x + 0.044715x³).
INLINE vf gelu_tanh(vf x) {
    const vf u2 = (vf)1.5957691216f * fused(x * x * x, (vf)0.044715f, x);
    return x * logistic(u2);
}

INLINE vf activate(vf x, lz_activation activation) {
    switch (activation) {
    case LZ_IDENTITY: return x;
    case LZ_SILU: return x * logistic(x);
    case LZ_GELU: return gelu(x);
    case LZ_GELU_TANH: return gelu_tanh(x);
    case LZ_QUICK_GELU: return x * logistic((vf)1.702f * x);
    case LZ_RELU: return x < (vf)0.0f ? (vf)0.0f : x;
    case LZ_TANH: return hyperbolic_tangent(x);
    case LZ_SIGMOID: return logistic(x);
    }
    return x;
}

#endif
