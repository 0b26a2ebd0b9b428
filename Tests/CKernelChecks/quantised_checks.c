// Products with quantised weights against double precision. Dequantisation itself is checked against gguf-py's goldens.
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "vector_checks.h"

/// Blocks of random bits with small scales. Offsets of the halves in a block: scale first, then the minimum.
static uint8_t *random_blocks(lz_quantisation type, size_t count, uint64_t *state) {
    const size_t bytes = lz_block_bytes(type), scale = type == LZ_Q6_K ? 208 : 0;
    const bool has_minimum = type == LZ_Q4_1 || type == LZ_Q5_1 || type == LZ_Q4_K || type == LZ_Q5_K;
    uint8_t *blocks = malloc(count * bytes);
    for (size_t i = 0; i < count * bytes; i++) blocks[i] = (uint8_t)next_random(state);
    for (size_t b = 0; b < count; b++) {
        float numbers[2] = {0.1f * next_number(state), 0.1f * next_number(state)};
        uint16_t halves[2];
        lz_convert(2, numbers, LZ_F32, halves, LZ_F16);
        memcpy(blocks + b * bytes + scale, halves, has_minimum ? 4 : 2);
    }
    return blocks;
}

bool check_quantised(lz_quantisation type, size_t m, size_t n, size_t blocks, bool exact, char *message, size_t size) {
    const size_t k = blocks * lz_block_elements(type), x_stride = k + 3, y_stride = n + 2;
    uint64_t state = (uint64_t)type * 1000 + m * 100 + n;
    uint8_t *w = random_blocks(type, n * blocks, &state);
    float *dense = malloc(n * k * sizeof(float)), *x = malloc((m * x_stride + 1) * sizeof(float));
    float *y = malloc(2 * m * y_stride * sizeof(float)), *again = y + m * y_stride, *bias = malloc(n * sizeof(float));
    for (size_t i = 0; i < m * x_stride; i++) x[i] = i % x_stride < k ? next_number(&state) : NAN;
    for (size_t i = 0; i < n; i++) bias[i] = next_number(&state);
    for (size_t i = 0; i < 2 * m * y_stride; i++) y[i] = -77;
    lz_dequantise(type, n * k, w, dense, LZ_F32);
    const size_t before = lz_thread_count();
    lz_set_thread_count(1);
    lz_matmul_quantised(m, n, k, x, x_stride, type, w, y, y_stride, bias, exact);
    lz_set_thread_count(3);
    lz_matmul_quantised(m, n, k, x, x_stride, type, w, again, y_stride, bias, exact);
    lz_set_thread_count(before);
    bool good = memcmp(y, again, m * y_stride * sizeof(float)) == 0;
    if (!good) snprintf(message, size, "type %d, %zu×%zu×%zu differs between thread counts", (int)type, m, n, k);
    for (size_t i = 0; good && i < m * y_stride; i++) {
        const size_t row = i / y_stride, column = i % y_stride;
        double value = -77, squares = 0;
        if (column < n) {
            value = bias[column];
            for (size_t j = 0; j < k; j++) {
                const double term = (double)x[row * x_stride + j] * dense[column * k + j];
                value += term;
                squares += (double)dense[column * k + j] * dense[column * k + j];
            }
        }
        // X in 8 bits is off by up to 1/254 of the largest of 32, at random; six standard deviations.
        const double tolerance = column >= n ? 0
                                 : exact     ? 2e-6 * sqrt(squares) + 1e-6
                                             : 6 * sqrt(squares / 3) / 254 + 1e-6;
        good = fabs(y[i] - value) <= tolerance;
        if (!good)
            snprintf(message, size, "type %d, %zu×%zu×%zu%s, row %zu column %zu: %g instead of %g", (int)type, m, n, k,
                     exact ? " exact" : "", row, column, (double)y[i], value);
    }
    free(w);
    free(dense);
    free(x);
    free(y);
    free(bias);
    return good;
}
