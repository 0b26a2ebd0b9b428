#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "product_checks.h"

bool check_packing(size_t n, size_t k, lz_dtype type, lz_dtype as) {
    uint64_t state = 3;
    const size_t stride = k + 5;
    uint32_t *weights = malloc((n * stride + 1) * sizeof *weights);
    float *unpacked = malloc((n * k + 1) * sizeof *unpacked);
    for (size_t i = 0; i < n * stride; i++) put(weights, type, i, next_number(&state));
    lz_packed *packed = lz_pack_matrix(weights, type, n, k, stride, as);
    bool right = lz_packed_rows(packed) == n && lz_packed_columns(packed) == k;
    lz_unpack(packed, unpacked);
    for (size_t row = 0; row < n; row++) {
        for (size_t i = 0; i < k; i++) {
            const float value = get(weights, type, row * stride + i);
            right = right && unpacked[row * k + i] == (as == LZ_BF16 ? rounded_to_bf16(value) : value);
        }
    }
    lz_packed_free(packed);
    free(unpacked);
    free(weights);
    return right;
}

static size_t report(bool right, const char *what, size_t number, const char *message) {
    if (!right) printf("%s: %s %zu: %s\n", lz_kernels_name(), what, number, message);
    return right ? 0 : 1;
}

size_t check_all_products(void) {
    char message[256] = "";
    size_t failures = 0;
    const lz_dtype types[] = {LZ_F32, LZ_BF16};
    for (size_t t = 0; t < 8; t++) {
        const lz_dtype weights = types[t & 1], x = types[t >> 1 & 1], y = types[t >> 2];
        for (size_t size = 0; size <= 67; size++) {
            const product_case cases[] = {
                matrix_case(size, 33, 70, weights, x, y),
                matrix_case(5, size, 70, weights, x, y),
                matrix_case(15, 17, size, weights, x, y),
                matrix_case(3, 5, 10 * size, weights, x, y),
            };
            for (size_t i = 0; i < 4; i++) {
                product_case test = cases[i];
                test.x_padding = size % 3;
                test.y_padding = size % 5;
                failures += report(check_product(&test, message, sizeof message), "matrix of size", size, message);
            }
        }
    }
    for (size_t seed = 0; seed < 250; seed++) {
        const product_case test = random_case(seed);
        failures += report(check_product(&test, message, sizeof message), "random case", seed, message);
        failures += report(check_threads(&test, message, sizeof message), "random case on threads", seed, message);
    }
    for (size_t n = 1; n < 70; n += 11) {
        for (size_t i = 0; i < 4; i++) {
            failures += report(check_packing(n, n + i, types[i & 1], types[i >> 1]), "packing", n, "values changed");
        }
    }
    return failures;
}
