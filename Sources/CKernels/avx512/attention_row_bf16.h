// Operands of attention_row.h in bf16: scores are dot products of pairs of channels as they lie. V is widened by a
// shift and a mask, so that outputs are kept as the even, then the odd channels of every 32.

typedef uint16_t row_operand;

static void load_query(const attention_block *block, size_t first, row_operand *q) {
    const size_t d = block->shape->head_size;
    for (size_t c = 0; c < d; c += 2 * LANES) {
        const vu pairs = load_pairs((const uint16_t *)block->q + first + c, d - c);
        memcpy(q + c, &pairs, sizeof pairs);
    }
}

/// Scores of LANES keys (`keys` of them present).
INLINE vf score_lanes(const attention_block *block, const row_operand *q, size_t first, size_t keys) {
    const size_t d = block->shape->head_size;
    const uint16_t *k = (const uint16_t *)block->k + first;
    vf rows[LANES];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < LANES; j++) {
        rows[j] = (vf)0.0f;
        const uint16_t *row = k + smaller(j, keys - 1) * block->shape->k_token;
        for (size_t c = 0; c < d; c += 2 * LANES) rows[j] = dot(rows[j], load_pairs(row + c, d - c), load_words(q + c));
    }
    transpose(rows);
#pragma clang loop unroll(full)
    for (size_t step = LANES / 2; step > 0; step /= 2)
        for (size_t j = 0; j < step; j++) rows[j] += rows[j + step];
    return rows[0] * block->shape->scale;
}

/// Channels c ..< c + 32·steps, `steps` a constant at each call.
INLINE void accumulate_row(const attention_block *block, const float *p, size_t first, size_t keys, size_t c,
                           size_t steps, float rescale, float *outputs) {
    const size_t d = block->shape->head_size, stride = block->shape->v_token;
    const uint16_t *v = (const uint16_t *)block->v + first;
    vf even[2], odd[2];
    for (size_t j = 0; j < steps; j++) {
        even[j] = load_f32(outputs + c + 2 * j * LANES) * rescale;
        odd[j] = load_f32(outputs + c + (2 * j + 1) * LANES) * rescale;
    }
    for (size_t key = 0; key < keys; key++, v += stride) {
        for (size_t j = 0; j < steps; j++) {
            const vu pairs = load_pairs(v + c + 2 * j * LANES, d - c - 2 * j * LANES);
            even[j] = fused((vf)(pairs << 16), (vf)p[key], even[j]);
            odd[j] = fused((vf)(pairs & 0xffff0000u), (vf)p[key], odd[j]);
        }
    }
    for (size_t j = 0; j < steps; j++) {
        store_f32(outputs + c + 2 * j * LANES, even[j]);
        store_f32(outputs + c + (2 * j + 1) * LANES, odd[j]);
    }
}

static void accumulate_values_row(const attention_block *block, const float *p, size_t first, size_t keys,
                                  float rescale, float *outputs) {
    size_t c = 0, d = block->shape->head_size;
    for (; c + 4 * LANES <= d; c += 4 * LANES) accumulate_row(block, p, first, keys, c, 2, rescale, outputs);
    for (; c < d; c += 2 * LANES) accumulate_row(block, p, first, keys, c, 1, rescale, outputs);
}

static void write_row(const attention_block *block, const float *outputs, float factor, size_t first) {
    const size_t d = block->shape->head_size;
    for (size_t c = 0; c < d; c += 2 * LANES) {
        const vf even = load_f32(outputs + c) * factor, odd = load_f32(outputs + c + LANES) * factor;
        store_lanes(block->y, LZ_BF16, first + c, d - c, __builtin_shufflevector(even, odd, ZIP_LOW));
        if (c + LANES < d)
            store_lanes(block->y, LZ_BF16, first + c + LANES, d - c - LANES,
                        __builtin_shufflevector(even, odd, ZIP_HIGH));
    }
}
