// Attention of one query with its channels along the lanes, for decoding: K and V are read once, as they lie. The
// operands come first: attention_row_f32.h, or pairs of bf16.
#include "../vector_kernels.h"
#include "lanes.h"

enum { row_keys = 256, largest_head = 512, few_queries = 4 };

static void attend_row(const attention_block *block, size_t query) {
    const lz_attention *shape = block->shape;
    size_t d = shape->head_size, kv_head = block->head / (shape->heads / shape->kv_heads), sample = block->sample;
    size_t k = sample * shape->k_batch + kv_head * shape->k_head, v = sample * shape->v_batch + kv_head * shape->v_head;
    row_operand q[largest_head + 2 * LANES];
    float outputs[largest_head + 2 * LANES], scores[row_keys];
    load_query(block, sample * shape->q_batch + query * shape->q_token + block->head * shape->q_head, q);
    memset(outputs, 0, round_up(d, 2 * LANES) * sizeof(float));
    const float *bias = shape->bias ? shape->bias + sample * shape->bias_batch + query * shape->bias_query : NULL;
    size_t end = visible_keys(shape, query);
    float largest = -__builtin_inff();
    double sum = 0;
    for (size_t key = 0; key < end; key += row_keys) {
        size_t keys = smaller(row_keys, end - key);
        vf most = (vf)-__builtin_inff();
        for (size_t j = 0; j < keys; j += LANES) {
            vf score = score_lanes(block, q, k + (key + j) * shape->k_token, keys - j);
            if (bias) score += load_lanes(bias, LZ_F32, key + j, keys - j);
            score = first_lanes(keys - j) ? score : (vf)-__builtin_inff();
            store_f32(scores + j, score);
            most = larger_of(most, score);
        }
        float before = largest, now = largest_of(most);
        if (now > largest || now != now) largest = now;
        float safe = largest == -__builtin_inff() ? 0 : largest, rescale = exponential((vf)(before - safe))[0];
        vf total = (vf)0.0f;
        for (size_t j = 0; j < keys; j += LANES) {
            vf p = exponential(load_f32(scores + j) - safe);
            store_f32(scores + j, p);
            total += p;
        }
        sum = sum * rescale + sum_of(total);
        accumulate_values_row(block, scores, v + key * shape->v_token, keys, rescale, outputs);
    }
    write_row(block, outputs, sum == 0 ? 0 : (float)(1 / sum),
              sample * shape->y_batch + query * shape->y_token + block->head * shape->y_head);
}

/// A few queries go one by one; a tile of them would be mostly empty.
static void attend(const attention_block *block, void *scratch) {
    if (block->shape->queries <= few_queries) {
        for (size_t query = block->query_begin; query < block->query_end; query++) attend_row(block, query);
    } else {
        attend_in_tiles(block, scratch);
    }
}

static __attribute__((unused)) void lanes_attention(vector_kernels *kernels) {
    kernels->attention_queries = attention_queries;
    kernels->attention_scratch = attention_scratch;
    kernels->attend = attend;
}
