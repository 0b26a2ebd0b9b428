// Attention of one query with its channels along the lanes, for decoding: K and V are read once, as they lie.
#include "../vector_kernels.h"
#include "lanes.h"

enum { row_keys = 256, largest_head = 512, few_queries = 4 };

/// Scores of LANES keys (`keys` of them present).
INLINE vf score_lanes(const attention_block *block, const float *q, size_t first, size_t keys) {
    const lz_attention *shape = block->shape;
    size_t d = shape->head_size;
    vf rows[LANES];
    for (size_t j = 0; j < LANES; j++) {
        vf sum = (vf)0.0f;
        for (size_t c = 0; j < keys && c < d; c += LANES)
            sum = fused(load_lanes(block->k, block->type, first + j * shape->k_token + c, d - c), load_f32(q + c), sum);
        rows[j] = sum;
    }
    transpose(rows);
    for (size_t step = LANES / 2; step > 0; step /= 2)
        for (size_t j = 0; j < step; j++) rows[j] += rows[j + step];
    return rows[0] * shape->scale;
}

/// outputs = outputs·rescale + Σ p[key]·V[key] over the channels of `vectors` vectors from c on.
INLINE void accumulate_row(const attention_block *block, const float *p, size_t first, size_t keys, size_t c,
                           size_t vectors, float rescale, float *outputs) {
    size_t d = block->shape->head_size, stride = block->shape->v_token;
    vf sums[4];
    for (size_t j = 0; j < vectors; j++) sums[j] = load_f32(outputs + c + j * LANES) * rescale;
    for (size_t key = 0; key < keys; key++)
        for (size_t j = 0; j < vectors; j++) {
            size_t channel = c + j * LANES;
            sums[j] = fused(load_lanes(block->v, block->type, first + key * stride + channel, d - channel), (vf)p[key],
                            sums[j]);
        }
    for (size_t j = 0; j < vectors; j++) store_f32(outputs + c + j * LANES, sums[j]);
}

static void attend_row(const attention_block *block, size_t query) {
    const lz_attention *shape = block->shape;
    size_t d = shape->head_size, kv_head = block->head / (shape->heads / shape->kv_heads), sample = block->sample;
    size_t k = sample * shape->k_batch + kv_head * shape->k_head, v = sample * shape->v_batch + kv_head * shape->v_head;
    float q[largest_head + LANES], outputs[largest_head + LANES], scores[row_keys];
    for (size_t c = 0; c < d; c += LANES) {
        size_t from = sample * shape->q_batch + query * shape->q_token + block->head * shape->q_head + c;
        store_f32(q + c, load_lanes(block->q, block->type, from, d - c));
        store_f32(outputs + c, (vf)0.0f);
    }
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
        size_t c = 0, from = v + key * shape->v_token;
        for (; c + 4 * LANES <= d; c += 4 * LANES) accumulate_row(block, scores, from, keys, c, 4, rescale, outputs);
        for (; c < d; c += LANES) accumulate_row(block, scores, from, keys, c, 1, rescale, outputs);
    }
    float factor = sum == 0 ? 0 : (float)(1 / sum);
    size_t y = sample * shape->y_batch + query * shape->y_token + block->head * shape->y_head;
    for (size_t c = 0; c < d; c += LANES) store_lanes(block->y, block->type, y + c, d - c, load_f32(outputs + c) * factor);
}

/// A few queries go one by one; a tile of them would be mostly empty.
static void attend(const attention_block *block, void *scratch) {
    if (block->shape->queries <= few_queries) {
        for (size_t query = block->query_begin; query < block->query_end; query++) attend_row(block, query);
    } else {
        attend_in_tiles(block, scratch);
    }
}

static void lanes_attention(vector_kernels *kernels) {
    kernels->attention_queries = attention_queries;
    kernels->attention_scratch = attention_scratch;
    kernels->attend = attend;
}
