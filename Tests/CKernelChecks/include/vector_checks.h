// Checks of attention, norms, elementwise work and quantised products against double precision, in C for the same
// reason as product_checks.h. Every check returns true, or false with `message` telling the first difference.
#ifndef LAZULI_VECTOR_CHECKS_H
#define LAZULI_VECTOR_CHECKS_H

#include "CKernels.h"

typedef enum { BIAS_NONE, BIAS_FULL, BIAS_OF_KEYS, BIAS_SHARED } bias_kind;

typedef struct {
    size_t batch, heads, kv_heads, queries, keys, head_size;
    size_t padding;  ///< elements between tokens beyond the heads, poisoned with NaN
    float scale;
    bool causal;
    bias_kind bias;  ///< some entries are −∞; with BIAS_SHARED one query sees nothing
    lz_dtype type;
} attention_case;

/// Draws case number `seed`: every mask, grouped heads, sizes around the edges of tiles.
attention_case random_attention(uint64_t seed);
bool check_attention(const attention_case *test, char *message, size_t size);
/// The same bytes on 1, 2 and 3 threads.
bool check_attention_threads(const attention_case *test, char *message, size_t size);

/// Group norm of values around `mean` with deviation 1, on 1 and on 3 threads.
bool check_group_norm(size_t batch, size_t pixels, size_t channels, size_t groups, float mean, lz_dtype type,
                      lz_activation activation, char *message, size_t size);
/// Layer norm, RMS norm and softmax of a few rows of `width`.
bool check_rows(size_t width, lz_dtype x_type, lz_dtype y_type, char *message, size_t size);

/// activate, blend, add_row, multiply, gated, join, rotate on `count` elements, all types, nothing written beyond.
bool check_elementwise(size_t count, char *message, size_t size);
/// Every activation over −20 ... 20, absolute error at most 2e-6.
bool check_activations(char *message, size_t size);
/// All 65,536 halves and bfloats to f32 and back, and f32 patterns to both by value.
bool check_conversion(char *message, size_t size);
/// lz_first_non_finite with NaN or infinity at every position up to `count`.
bool check_finite(size_t count, char *message, size_t size);

/// Products of M rows with N quantised rows of `blocks` blocks with random bits, on 1 and on 3 threads.
bool check_quantised(lz_quantisation type, size_t m, size_t n, size_t blocks, bool exact, char *message, size_t size);

/// Every vector check that a table needs, for programs without a test library. Returns the number of failures.
size_t check_all_vectors(void);

#endif
