// Attention in blocks (Dao et al. 2022, https://arxiv.org/abs/2205.14135) with queries along the lanes: scores are
// stored as [key][query], so that maxima, sums and rescaling are plain vector operations and nothing is reduced across
// lanes. K and V are broadcast, Q and P are vectors; outputs are kept as [channel][query] until the end.
//
// A source defines the operands first (attention_f32.h, or bf16 pairs): `operand`, its packing, `score_keys` and
// `accumulate_values`.
#include "../include/threads.h"
#include "../vector_kernels.h"
#include "lanes.h"

/// Where everything of one block lies in scratch memory.
typedef struct {
    operand *queries;  // [tiles][depth][query_tile]
    operand *keys, *values;  // [key_block][depth], [key_block][head_size]; pairs in the case of bf16
    float *scores;  // [key_block][query_tile], afterwards the probabilities
    float *outputs;  // [tiles][head_size][query_tile]
    vf (*largest)[2], (*sums)[2];  // [tiles]
} workspace;

static size_t tiles_of(size_t queries) { return divide_up(queries, query_tile); }

/// More queries share the packing of K and V; fewer keep the outputs in the second-level cache.
static size_t attention_queries(const lz_attention *shape, lz_dtype type) {
    (void)type;
    size_t most = shape->head_size <= 96 ? 256 : shape->head_size <= 192 ? 128 : 64;
    return smaller(most, tiles_of(shape->queries) * query_tile);
}

static size_t take(size_t *used, size_t bytes) {
    size_t offset = *used;
    *used += round_up(bytes, 64);
    return offset;
}

static size_t lay_out(const lz_attention *shape, size_t queries, char *scratch, workspace *space) {
    size_t tiles = tiles_of(queries), d = shape->head_size, used = 0;
    size_t q = take(&used, tiles * packed_depth(d) * query_tile * sizeof(operand));
    size_t k = take(&used, key_block * packed_depth(d) * sizeof(operand));
    size_t v = take(&used, key_block * d * sizeof(operand));
    size_t s = take(&used, (key_block + 1) * query_tile * sizeof(float));
    size_t o = take(&used, tiles * d * query_tile * sizeof(float));
    size_t m = take(&used, tiles * sizeof(vf[2])), l = take(&used, tiles * sizeof(vf[2]));
    if (scratch)
        *space = (workspace){(operand *)(scratch + q), (operand *)(scratch + k), (operand *)(scratch + v),
                             (float *)(scratch + s),   (float *)(scratch + o),   (vf(*)[2])(scratch + m),
                             (vf(*)[2])(scratch + l)};
    return used;
}

static size_t attention_scratch(const lz_attention *shape, lz_dtype type) {
    return lay_out(shape, attention_queries(shape, type), NULL, NULL);
}

/// Keys that query `query` sees.
static size_t visible_keys(const lz_attention *shape, size_t query) {
    if (!shape->causal) return shape->keys;
    size_t end = shape->keys + query + 1;
    return end <= shape->queries ? 0 : smaller(end - shape->queries, shape->keys);
}

/// Adds the bias of queries first ..< first + LANES to scores [keys][query_tile].
static void add_bias(const attention_block *block, size_t first, size_t key, size_t keys, float unit, float *scores) {
    const lz_attention *shape = block->shape;
    const float *bias = shape->bias + block->sample * shape->bias_batch + key;
    if (shape->bias_query == 0) {
        for (size_t k = 0; k < keys; k++, scores += query_tile) store_f32(scores, load_f32(scores) + unit * bias[k]);
        return;
    }
    for (size_t k = 0; k < keys; k += LANES) {
        vf rows[LANES];
        for (size_t j = 0; j < LANES; j++) {
            size_t query = smaller(first + j, shape->queries - 1);
            rows[j] = load_lanes(bias + query * shape->bias_query, LZ_F32, k, keys - k);
        }
        transpose(rows);
        for (size_t j = 0; j < LANES && k + j < keys; j++, scores += query_tile)
            store_f32(scores, load_f32(scores) + unit * rows[j]);
    }
}

/// Scale, bias and causal mask of a tile, and the maxima afterwards.
static void mask_scores(const attention_block *block, size_t first, size_t key, size_t keys, float factor,
                        float *scores, vf largest[2]) {
    const lz_attention *shape = block->shape;
    for (size_t half = 0; half < 2; half++) {
        float *column = scores + half * LANES;
        size_t query = first + half * LANES;
        for (size_t k = 0; k < keys; k++)
            store_f32(column + k * query_tile, load_f32(column + k * query_tile) * factor);
        if (shape->bias) add_bias(block, query, key, keys, exponent_unit, column);
        vi last = (vi){COUNTING} + (int32_t)((int64_t)(query + shape->keys) - (int64_t)(shape->queries + key));
        vf most = (vf)-__builtin_inff();
        for (size_t k = 0; k < keys; k++) {
            vf score = load_f32(column + k * query_tile);
            if (shape->causal) score = (vi)(int32_t)k > last ? (vf)-__builtin_inff() : score;
            store_f32(column + k * query_tile, score);
            most = larger_of(most, score);
        }
        largest[half] = most;
    }
}

/// One tile of queries against one block of keys.
static void attend_tile(const attention_block *block, const workspace *space, size_t tile, size_t key, size_t keys) {
    const lz_attention *shape = block->shape;
    size_t first = block->query_begin + tile * query_tile, d = shape->head_size;
    vf largest[2], rescale[2];
    float factor = shape->scale * exponent_unit;
    score_keys(keys, packed_depth(d), space->queries + tile * packed_depth(d) * query_tile, space->keys, space->scores,
               largest);
    if (shape->bias || factor < 0 || (shape->causal && key + keys > visible_keys(shape, first))) {
        mask_scores(block, first, key, keys, factor, space->scores, largest);
        factor = 1;
    }
    vf safe[2];  // a row that sees nothing yet subtracts 0 instead of −∞
    for (size_t half = 0; half < 2; half++) {
        vf before = space->largest[tile][half], now = larger_of(before, largest[half] * factor);
        space->largest[tile][half] = now;
        safe[half] = now == (vf)-__builtin_inff() ? (vf)0.0f : now;
        rescale[half] = weigh(before - safe[half]);
        space->sums[tile][half] *= rescale[half];
    }
    weigh_scores(keys, factor, safe, space->scores, space->sums[tile]);
    accumulate_values(keys, d, space->scores, space->values, rescale, space->outputs + tile * d * query_tile);
}

static void write_outputs(const attention_block *block, const workspace *space, size_t tile) {
    const lz_attention *shape = block->shape;
    size_t d = shape->head_size;
    for (size_t half = 0; half < 2; half++) {
        size_t first = block->query_begin + tile * query_tile + half * LANES;
        vf sum = space->sums[tile][half], factor = sum == (vf)0.0f ? (vf)0.0f : (vf)1.0f / sum;
        const float *from = space->outputs + tile * d * query_tile + half * LANES;
        for (size_t c = 0; c < d; c += LANES) {
            vf rows[LANES];
            for (size_t j = 0; j < LANES; j++)
                rows[j] = c + j < d ? load_f32(from + (c + j) * query_tile) * factor : (vf)0.0f;
            transpose(rows);
            for (size_t j = 0; j < LANES && first + j < block->query_end; j++) {
                size_t y = block->sample * shape->y_batch + (first + j) * shape->y_token + block->head * shape->y_head;
                store_lanes(block->y, block->type, y + c, d - c, rows[j]);
            }
        }
    }
}

static void attend_in_tiles(const attention_block *block, void *scratch) {
    const lz_attention *shape = block->shape;
    workspace space;
    lay_out(shape, block->query_end - block->query_begin, scratch, &space);
    size_t tiles = tiles_of(block->query_end - block->query_begin), d = shape->head_size;
    for (size_t tile = 0; tile < tiles; tile++) {
        size_t first = block->query_begin + tile * query_tile;
        pack_queries(block, first, space.queries + tile * packed_depth(d) * query_tile);
        for (size_t half = 0; half < 2; half++) {
            space.largest[tile][half] = (vf)-__builtin_inff();
            space.sums[tile][half] = (vf)0.0f;
        }
    }
    memset(space.outputs, 0, tiles * d * query_tile * sizeof(float));
    size_t end = visible_keys(shape, block->query_end - 1);
    for (size_t key = 0; key < end && !lz_abandoned(); key += key_block) {
        size_t keys = smaller(key_block, end - key);
        pack_keys(block, key, keys, space.keys);
        pack_values(block, key, keys, space.values);
        for (size_t tile = 0; tile < tiles; tile++) {
            size_t last = smaller(block->query_begin + (tile + 1) * query_tile, block->query_end) - 1;
            size_t visible = visible_keys(shape, last);
            if (visible > key) attend_tile(block, &space, tile, key, smaller(keys, visible - key));
        }
    }
    for (size_t tile = 0; tile < tiles; tile++) write_outputs(block, &space, tile);
}
