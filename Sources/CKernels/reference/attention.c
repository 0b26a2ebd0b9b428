// Attention one query at a time: scores are computed twice (for the maximum, then for the sum) instead of stored.
#include <math.h>

#include "../include/threads.h"
#include "../numbers.h"
#include "tables.h"

enum { LARGEST_HEAD = 512 };

static float score(const attention_block *block, size_t q_index, size_t k_index, const float *bias, size_t key) {
    float sum = 0;
    for (size_t i = 0; i < block->shape->head_size; i++)
        sum += load_element(block->q, block->type, q_index + i) * load_element(block->k, block->type, k_index + i);
    return sum * block->shape->scale + (bias ? bias[key] : 0);
}

static void attend_query(const attention_block *block, size_t query) {
    const lz_attention *shape = block->shape;
    size_t sample = block->sample, kv_head = block->head / (shape->heads / shape->kv_heads);
    size_t q = sample * shape->q_batch + query * shape->q_token + block->head * shape->q_head;
    size_t k = sample * shape->k_batch + kv_head * shape->k_head;
    size_t v = sample * shape->v_batch + kv_head * shape->v_head;
    size_t y = sample * shape->y_batch + query * shape->y_token + block->head * shape->y_head;
    const float *bias = shape->bias ? shape->bias + sample * shape->bias_batch + query * shape->bias_query : NULL;
    size_t keys = shape->keys;
    if (shape->causal) {
        size_t visible = keys + query + 1;
        visible = visible > shape->queries ? visible - shape->queries : 0;
        if (visible < keys) keys = visible;
    }
    float largest = -INFINITY;
    for (size_t key = 0; key < keys; key++) {
        float s = score(block, q, k + key * shape->k_token, bias, key);
        if (s > largest || isnan(s)) largest = s;
    }
    float accumulator[LARGEST_HEAD] = {0}, sum = 0;
    for (size_t key = 0; largest != -INFINITY && key < keys; key++) {
        float p = expf(score(block, q, k + key * shape->k_token, bias, key) - largest);
        sum += p;
        for (size_t i = 0; i < shape->head_size; i++)
            accumulator[i] += p * load_element(block->v, block->type, v + key * shape->v_token + i);
    }
    for (size_t i = 0; i < shape->head_size; i++)
        store_element(block->y, block->type, y + i, sum == 0 ? 0 : accumulator[i] / sum);
}

static void attend(const attention_block *block, void *scratch) {
    (void)scratch;
    for (size_t query = block->query_begin; query < block->query_end && !lz_abandoned(); query++)
        attend_query(block, query);
}

static size_t attention_queries(const lz_attention *shape, lz_dtype type) {
    (void)shape, (void)type;
    return 16;
}

static size_t attention_scratch(const lz_attention *shape, lz_dtype type) {
    (void)shape, (void)type;
    return 0;
}

void reference_attention(vector_kernels *table) {
    table->attend = attend;
    table->attention_queries = attention_queries;
    table->attention_scratch = attention_scratch;
}
