// Operands of attention_row.h in f32: channels in their order, bf16 widened as it is read.
#include "../vector_kernels.h"
#include "lanes.h"

typedef float row_operand;

/// The query, zero beyond head_size.
static void load_query(const attention_block *block, size_t first, float *q) {
    for (size_t c = 0; c < block->shape->head_size; c += LANES)
        store_f32(q + c, load_lanes(block->q, block->type, first + c, block->shape->head_size - c));
}

/// Scores of LANES keys (`keys` of them present).
INLINE vf score_lanes(const attention_block *block, const row_operand *q, size_t first, size_t keys) {
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

/// outputs = outputs·rescale + Σ p[key]·V[key].
static void accumulate_values_row(const attention_block *block, const float *p, size_t first, size_t keys,
                                  float rescale, float *outputs) {
    size_t c = 0, d = block->shape->head_size;
    for (; c + 4 * LANES <= d; c += 4 * LANES) accumulate_row(block, p, first, keys, c, 4, rescale, outputs);
    for (; c < d; c += LANES) accumulate_row(block, p, first, keys, c, 1, rescale, outputs);
}

static void write_row(const attention_block *block, const float *outputs, float factor, size_t first) {
    for (size_t c = 0; c < block->shape->head_size; c += LANES)
        store_lanes(block->y, block->type, first + c, block->shape->head_size - c, load_f32(outputs + c) * factor);
}
