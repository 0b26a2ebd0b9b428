// Attention without a score matrix in memory.
#ifndef LAZULI_ATTENTION_H
#define LAZULI_ATTENTION_H

#include "types.h"

/// Strides are in elements. A head h of token t of sample b starts at base + b·batch_stride + t·token_stride + h·head_stride.
typedef struct {
    size_t batch, heads, kv_heads;     ///< heads is a multiple of kv_heads: grouped-query (1 = multi-query)
    size_t queries, keys;              ///< token counts
    size_t head_size;                  ///< 1...512; multiples of 8 are fast
    size_t q_batch, q_token, q_head;
    size_t k_batch, k_token, k_head;
    size_t v_batch, v_token, v_head;
    size_t y_batch, y_token, y_head;
    float scale;                       ///< usually 1/√head_size
    bool causal;                       ///< query i sees keys 0 ... keys − queries + i
    const float *bias;                 ///< additive mask or NULL: bias[b·bias_batch + q·bias_query + key], −INFINITY hides a key
    size_t bias_batch, bias_query;     ///< 0 = shared over that axis
} lz_attention;

/// Y = softmax(scale·QKᵀ + bias)·V for every head. Q, K, V, Y all of type `type` (LZ_F32: f32 throughout;
/// LZ_BF16: bf16 products, f32 softmax and accumulation). A row whose keys are all hidden gives zeros. Threaded over
/// batch × heads × query blocks. Long self-attention (8 heads, 4096², 40) is the case that must be fast.
void lz_attend(const lz_attention *shape, const void *q, const void *k, const void *v, void *y, lz_dtype type);

#endif
