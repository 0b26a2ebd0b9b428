// Exponential, error function and activations on vectors. Polynomials are minimax fits; their errors are relative.
#ifndef LAZULI_LANES_MATH_H
#define LAZULI_LANES_MATH_H

#include "lanes.h"

/// eˣ within 2 units in the last place; 0 below −87.3, at most e^88.3 (so that 2ⁿ stays finite); NaN stays NaN.
ALWAYS floats exponential(floats x) {
    floats bounded = smaller_of(splat(88.3f), larger_of(splat(-88), x));
    floats n = __builtin_elementwise_roundeven(bounded * 1.44269504f);
    floats r = fused(n, splat(-0.693145752f), bounded);  // ln 2 in two parts
    r = fused(n, splat(-1.42860677e-6f), r);
    floats p = fused(splat(0.00139504912f), r, splat(0.00836888936f));
    p = fused(p, r, splat(0.0416662058f));
    p = fused(p, r, splat(0.166665188f));
    p = fused(p, r, splat(0.50000001f));
    p = fused(p, r * r, r) + 1;
    integers exponent = __builtin_convertvector(n, integers) << 23;
    return choose(x < -87.3f, splat(0), (floats)((integers)p + exponent));
}

/// erfc(x) for x ≥ 0, error 2e-7 of the value up to 6: e^−x² times a polynomial in 1/(1 + 0.4x).
ALWAYS floats complementary_error(floats x) {
    floats t = 1 / fused(x, splat(0.4f), splat(1));
    floats p = fused(splat(0.083876732f), t, splat(-0.445033632f));
    p = fused(p, t, splat(0.798516192f));
    p = fused(p, t, splat(-0.518337391f));
    p = fused(p, t, splat(0.520334218f));
    p = fused(p, t, splat(0.0858703844f));
    p = fused(p, t, splat(0.252214555f));
    p = fused(p, t, splat(0.222380952f));
    p = fused(p, t, splat(0.000177975558f));
    return p * exponential(-x * x);
}

ALWAYS floats sigmoid(floats x) { return 1 / (1 + exponential(-x)); }

/// Odd polynomial below 0.55, 1 − 2/(e²ˣ + 1) above.
ALWAYS floats hyperbolic_tangent(floats x) {
    floats size = magnitude(x), square = x * x;
    floats p = fused(splat(-0.0059058686f), square, splat(0.0208053848f));
    p = fused(p, square, splat(-0.0537866836f));
    p = fused(p, square, splat(0.133319582f));
    p = fused(p, square, splat(-0.333332993f));
    floats small = fused(p * square, x, x);
    floats large = 1 - 2 / (exponential(size + size) + 1);
    large = (floats)((integers)large | ((integers)x & INT32_MIN));
    return choose(size < 0.55f, small, large);
}

ALWAYS floats gelu(floats x) {
    floats tail = complementary_error(magnitude(x) * 0.707106781f);
    return 0.5f * x * choose(x < 0, tail, 2 - tail);
}

ALWAYS floats activated(lz_activation activation, floats x) {
    switch (activation) {
    case LZ_SILU: return x * sigmoid(x);
    case LZ_GELU: return gelu(x);
    case LZ_GELU_TANH: return 0.5f * x * (1 + hyperbolic_tangent(0.797884561f * fused(0.044715f * x * x, x, x)));
    case LZ_QUICK_GELU: return x * sigmoid(1.702f * x);
    case LZ_RELU: return choose(x < 0, splat(0), x);
    case LZ_TANH: return hyperbolic_tangent(x);
    case LZ_SIGMOID: return sigmoid(x);
    default: return x;
    }
}

#endif
