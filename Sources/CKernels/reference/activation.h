// Activations of one f32 value with the C library; the judge of the vector versions.
#ifndef LAZULI_ACTIVATION_H
#define LAZULI_ACTIVATION_H

#include <math.h>

#include "../include/types.h"

static inline float activate_scalar(lz_activation activation, float x) {
    switch (activation) {
    case LZ_SILU: return x / (1 + expf(-x));
    case LZ_GELU: return 0.5f * x * (1 + erff(x * 0.70710678118654752f));
    case LZ_GELU_TANH: return 0.5f * x * (1 + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case LZ_QUICK_GELU: return x / (1 + expf(-1.702f * x));
    case LZ_RELU: return x < 0 ? 0 : x;
    case LZ_TANH: return tanhf(x);
    case LZ_SIGMOID: return 1 / (1 + expf(-x));
    default: return x;
    }
}

#endif
