// All vector checks of the table in use, as a program without Swift runs them.
#include <stdio.h>

#include "vector_checks.h"

static const lz_quantisation types[] = {LZ_Q4_0, LZ_Q4_1, LZ_Q5_0, LZ_Q5_1, LZ_Q8_0, LZ_Q4_K, LZ_Q5_K, LZ_Q6_K};

static size_t failures;
static char message[512];

static void count(bool good) {
    if (good) return;
    failures++;
    printf("%s: %s\n", lz_kernels_name(), message);
}

size_t check_all_vectors(void) {
    failures = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        const attention_case test = random_attention(seed);
        count(check_attention(&test, message, sizeof message));
        if (seed % 10 == 0) count(check_attention_threads(&test, message, sizeof message));
    }
    for (size_t width = 1; width < 140; width += 1 + width / 40) {
        count(check_rows(width, LZ_F32, LZ_F32, message, sizeof message));
        count(check_rows(width, LZ_BF16, LZ_BF16, message, sizeof message));
        count(check_elementwise(width, message, sizeof message));
    }
    count(check_group_norm(2, 333, 96, 32, 0, LZ_F32, LZ_SILU, message, sizeof message));
    count(check_group_norm(1, 4097, 40, 8, 1e4f, LZ_F32, LZ_IDENTITY, message, sizeof message));
    count(check_group_norm(3, 5, 7, 7, -3, LZ_BF16, LZ_GELU, message, sizeof message));
    count(check_activations(message, sizeof message));
    count(check_conversion(message, sizeof message));
    count(check_finite(67, message, sizeof message));
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t m = 1; m <= 9; m += 4)
            for (int exact = 0; exact < 2; exact++)
                count(check_quantised(types[t], m, 7, 5, exact, message, sizeof message));
    return failures;
}
