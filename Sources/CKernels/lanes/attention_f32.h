// Attention operands in f32; bf16 inputs are widened as they are packed.
#include "../vector_kernels.h"
#include "lanes.h"

enum { query_tile = 2 * LANES, key_block = 96 };

typedef float operand;
static const float exponent_unit = 1;  // scores are natural logarithms

INLINE size_t packed_depth(size_t d) { return d; }
INLINE vf weigh(vf x) { return exponential(x); }

static void pack_queries(const attention_block *block, size_t first, operand *packed) {
    const lz_attention *shape = block->shape;
    for (size_t half = 0; half < 2; half++, first += LANES) {
        for (size_t c = 0; c < shape->head_size; c += LANES) {
            vf rows[LANES];
            for (size_t j = 0; j < LANES; j++) {
                size_t q = block->sample * shape->q_batch + (first + j) * shape->q_token + block->head * shape->q_head;
                rows[j] = first + j < block->query_end ? load_lanes(block->q, block->type, q + c, shape->head_size - c)
                                                       : (vf)0.0f;
            }
            transpose(rows);
            for (size_t j = 0; j < LANES && c + j < shape->head_size; j++)
                store_f32(packed + (c + j) * query_tile + half * LANES, rows[j]);
        }
    }
}

/// `rows` rows of head_size elements, `stride` elements apart, one after the other.
static void pack_rows(const void *x, lz_dtype type, size_t first, size_t stride, size_t rows, size_t d, float *packed) {
    for (size_t row = 0; row < rows; row++, packed += d)
        for (size_t c = 0; c < d; c += LANES)
            store_lanes(packed, LZ_F32, c, d - c, load_lanes(x, type, first + row * stride + c, d - c));
}

static void pack_keys(const attention_block *block, size_t key, size_t keys, operand *packed) {
    const lz_attention *shape = block->shape;
    size_t head = block->head / (shape->heads / shape->kv_heads);
    size_t first = block->sample * shape->k_batch + key * shape->k_token + head * shape->k_head;
    pack_rows(block->k, block->type, first, shape->k_token, keys, shape->head_size, packed);
}

static void pack_values(const attention_block *block, size_t key, size_t keys, operand *packed) {
    const lz_attention *shape = block->shape;
    size_t head = block->head / (shape->heads / shape->kv_heads);
    size_t first = block->sample * shape->v_batch + key * shape->v_token + head * shape->v_head;
    pack_rows(block->v, block->type, first, shape->v_token, keys, shape->head_size, packed);
}

/// Scores of `rows` keys, a constant at each call.
INLINE void score_rows(size_t rows, size_t depth, const float *q, const float *k, float *scores, vf largest[2]) {
    vf sums[ATTENTION_ROWS][2] = {0};
    for (size_t c = 0; c < depth; c++) {
        vf left = load_f32(q + c * query_tile), right = load_f32(q + c * query_tile + LANES);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++) {
            vf key = (vf)k[i * depth + c];
            sums[i][0] = fused(key, left, sums[i][0]);
            sums[i][1] = fused(key, right, sums[i][1]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
        for (size_t half = 0; half < 2; half++) {
            store_f32(scores + i * query_tile + half * LANES, sums[i][half]);
            largest[half] = larger_of(largest[half], sums[i][half]);
        }
    }
}

static void score_keys(size_t keys, size_t depth, const operand *q, const operand *k, float *scores, vf largest[2]) {
    vf most[2] = {(vf)-__builtin_inff(), (vf)-__builtin_inff()};
    size_t key = 0;
    for (; key + ATTENTION_ROWS <= keys; key += ATTENTION_ROWS)
        score_rows(ATTENTION_ROWS, depth, q, k + key * depth, scores + key * query_tile, most);
    for (; key + ATTENTION_ROWS / 3 <= keys; key += ATTENTION_ROWS / 3)
        score_rows(ATTENTION_ROWS / 3, depth, q, k + key * depth, scores + key * query_tile, most);
    for (; key < keys; key++) score_rows(1, depth, q, k + key * depth, scores + key * query_tile, most);
    largest[0] = most[0], largest[1] = most[1];
}

/// Scores become e^(factor·score − largest), in place.
static void weigh_scores(size_t keys, float factor, const vf largest[2], float *scores, vf sums[2]) {
    vf left = sums[0], right = sums[1];
    for (size_t key = 0; key < keys; key++, scores += query_tile) {
        vf p = weigh(fused(load_f32(scores), (vf)factor, -largest[0]));
        vf q = weigh(fused(load_f32(scores + LANES), (vf)factor, -largest[1]));
        store_f32(scores, p);
        store_f32(scores + LANES, q);
        left += p, right += q;
    }
    sums[0] = left, sums[1] = right;
}

/// Adds P·V of `rows` channels from channel c on.
INLINE void accumulate_rows(size_t rows, size_t keys, size_t d, const float *p, const float *v, const vf rescale[2],
                            float *outputs) {
    vf sums[ATTENTION_ROWS][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
        sums[i][0] = load_f32(outputs + i * query_tile) * rescale[0];
        sums[i][1] = load_f32(outputs + i * query_tile + LANES) * rescale[1];
    }
    for (size_t key = 0; key < keys; key++, p += query_tile, v += d) {
        vf left = load_f32(p), right = load_f32(p + LANES);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++) {
            vf value = (vf)v[i];
            sums[i][0] = fused(value, left, sums[i][0]);
            sums[i][1] = fused(value, right, sums[i][1]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
        store_f32(outputs + i * query_tile, sums[i][0]);
        store_f32(outputs + i * query_tile + LANES, sums[i][1]);
    }
}

static void accumulate_values(size_t keys, size_t d, const float *p, const operand *v, const vf rescale[2],
                              float *outputs) {
    size_t c = 0;
    for (; c + ATTENTION_ROWS <= d; c += ATTENTION_ROWS)
        accumulate_rows(ATTENTION_ROWS, keys, d, p, v + c, rescale, outputs + c * query_tile);
    for (; c + ATTENTION_ROWS / 3 <= d; c += ATTENTION_ROWS / 3)
        accumulate_rows(ATTENTION_ROWS / 3, keys, d, p, v + c, rescale, outputs + c * query_tile);
    for (; c < d; c++) accumulate_rows(1, keys, d, p, v + c, rescale, outputs + c * query_tile);
}
