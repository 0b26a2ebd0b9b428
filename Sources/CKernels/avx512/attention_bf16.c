// Attention on bf16 dot products: Q, K, V and the probabilities are pairs of bf16 (two channels of Q and K, two keys of
// P and V in a word), sums are f32. One thread of Zen 4 at 3.65 GHz, 8 heads of 4096 × 4096 × 40: 151 ms, 60 % of the
// bf16 peak; 75 % with heads of 80.
#include "../vector_kernels.h"

#if defined(__x86_64__)
#include "attention_bf16.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma"))), \
                             apply_to = function)

#define LANES 16
#define HARDWARE_BF16
#define ATTENTION_ROWS 12

#include "../lanes/lanes.h"

enum { query_tile = 2 * LANES, key_block = 96 };

typedef uint16_t operand;
static const float exponent_unit = 1.44269504f;  // scores are binary logarithms

INLINE size_t packed_depth(size_t d) { return round_up(d, 2); }
INLINE vf weigh(vf x) { return exponential(x * (vf)0.693147181f); }

/// 2^(factor·score − largest) for weights that become bf16: relative error 1e-4, half an ulp of bf16 being 2e-3.
INLINE vf weigh_roughly(vf score, vf factor, vf largest) {
    const vf x = fused(score, factor, -largest), fraction = (vf)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF);
    vf power = (vf)0.078024522f;
    power = fused(power, fraction, (vf)0.226067156f);
    power = fused(power, fraction, (vf)0.69583354f);
    power = fused(power, fraction, (vf)0.999925219f);
    return (vf)_mm512_scalef_ps((__m512)power, (__m512)x);
}

INLINE vf dot(vf sum, vu left, vu right) { return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right); }

INLINE vu load_words(const void *x) {
    vu value;
    memcpy(&value, x, sizeof value);
    return value;
}

/// The first `count` elements at x as pairs, at most 2·LANES of them.
INLINE vu load_pairs(const uint16_t *x, size_t count) {
    const __mmask32 present = count >= 2 * LANES ? ~0u : (1u << count) - 1;
    return (vu)_mm512_maskz_loadu_epi16(present, x);
}

static void pack_queries(const attention_block *block, size_t first, operand *packed) {
    const lz_attention *shape = block->shape;
    const uint16_t *q = (const uint16_t *)block->q + block->sample * shape->q_batch + block->head * shape->q_head;
    const size_t d = shape->head_size;
    for (size_t half = 0; half < 2; half++, first += LANES) {
        for (size_t c = 0; c < d; c += 2 * LANES) {
            vf rows[LANES];
            for (size_t j = 0; j < LANES; j++)
                rows[j] = first + j < block->query_end ? (vf)load_pairs(q + (first + j) * shape->q_token + c, d - c)
                                                       : (vf)0.0f;
            transpose(rows);
            for (size_t j = 0; j < LANES && c + 2 * j < d; j++)
                memcpy(packed + (c + 2 * j) * query_tile + 2 * half * LANES, &rows[j], sizeof rows[j]);
        }
    }
}

static void pack_keys(const attention_block *block, size_t key, size_t keys, operand *packed) {
    const lz_attention *shape = block->shape;
    const size_t head = block->head / (shape->heads / shape->kv_heads), d = shape->head_size;
    const uint16_t *k =
        (const uint16_t *)block->k + block->sample * shape->k_batch + key * shape->k_token + head * shape->k_head;
    for (size_t row = 0; row < keys; row++, k += shape->k_token, packed += packed_depth(d)) {
        for (size_t c = 0; c < d; c += 2 * LANES) {
            const size_t count = smaller(packed_depth(d) - c, 2 * LANES);
            const __mmask32 wanted = count >= 2 * LANES ? ~0u : (1u << count) - 1;
            _mm512_mask_storeu_epi16(packed + c, wanted, (__m512i)load_pairs(k + c, d - c));
        }
    }
}

/// [keys / 2][head_size][2]; an odd last key is paired with zeros.
static void pack_values(const attention_block *block, size_t key, size_t keys, operand *packed) {
    const lz_attention *shape = block->shape;
    const size_t head = block->head / (shape->heads / shape->kv_heads), d = shape->head_size;
    const uint16_t *v =
        (const uint16_t *)block->v + block->sample * shape->v_batch + key * shape->v_token + head * shape->v_head;
    for (size_t row = 0; row < keys; row += 2, v += 2 * shape->v_token, packed += 2 * d) {
        for (size_t c = 0; c < d; c += LANES) {
            const __mmask16 present = d - c >= LANES ? 0xffff : (__mmask16)((1u << (d - c)) - 1);
            const __m512i even = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(present, v + c));
            const __mmask16 second = row + 1 < keys ? present : 0;
            const __m512i odd = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(second, v + shape->v_token + c));
            _mm512_mask_storeu_epi32(packed + 2 * c, present, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
        }
    }
}

/// Scores of `rows` keys, a constant at each call.
INLINE void score_rows(size_t rows, size_t depth, const operand *q, const operand *k, float *scores, vf largest[2]) {
    vf sums[ATTENTION_ROWS][2] = {0};
    for (size_t c = 0; c < depth; c += 2) {
        const vu left = load_words(q + c * query_tile), right = load_words(q + c * query_tile + 2 * LANES);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++) {
            uint32_t pair;
            memcpy(&pair, k + i * depth + c, sizeof pair);
            sums[i][0] = dot(sums[i][0], (vu)pair, left);
            sums[i][1] = dot(sums[i][1], (vu)pair, right);
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
    for (; key + 4 <= keys; key += 4) score_rows(4, depth, q, k + key * depth, scores + key * query_tile, most);
    for (; key < keys; key++) score_rows(1, depth, q, k + key * depth, scores + key * query_tile, most);
    largest[0] = most[0], largest[1] = most[1];
}

INLINE void store_pairs(void *y, vf even, vf odd) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512bh narrow = _mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
    const __m512i pairs = _mm512_permutexvar_epi16(order, (__m512i)narrow);
    memcpy(y, &pairs, sizeof pairs);
}

/// Scores become pairs of probabilities, [keys / 2][query_tile][2], in place: a pair of rows shrinks to one.
static void weigh_scores(size_t keys, float factor, const vf largest[2], float *scores, vf sums[2]) {
    for (size_t half = 0; half < 2; half++) {
        const float *from = scores + half * LANES;
        float *to = scores + half * LANES;
        vf even_sum = sums[half], odd_sum = (vf)0.0f;
        size_t key = 0;
        for (; key + 2 <= keys; key += 2, from += 2 * query_tile, to += query_tile) {
            const vf even = weigh_roughly(load_f32(from), (vf)factor, largest[half]);
            const vf odd = weigh_roughly(load_f32(from + query_tile), (vf)factor, largest[half]);
            store_pairs(to, even, odd);
            even_sum += even, odd_sum += odd;
        }
        if (key < keys) {
            const vf even = weigh_roughly(load_f32(from), (vf)factor, largest[half]);
            store_pairs(to, even, (vf)0.0f);
            even_sum += even;
        }
        sums[half] = even_sum + odd_sum;
    }
}

/// Adds P·V of `rows` channels; p and v are at their first pair of keys.
INLINE void accumulate_rows(size_t rows, size_t keys, size_t d, const float *p, const operand *v, const vf rescale[2],
                            float *outputs) {
    vf sums[ATTENTION_ROWS][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
        sums[i][0] = load_f32(outputs + i * query_tile) * rescale[0];
        sums[i][1] = load_f32(outputs + i * query_tile + LANES) * rescale[1];
    }
    for (size_t key = 0; key < keys; key += 2, p += query_tile, v += 2 * d) {
        const vu left = load_words(p), right = load_words(p + LANES);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++) {
            uint32_t pair;
            memcpy(&pair, v + 2 * i, sizeof pair);
            sums[i][0] = dot(sums[i][0], (vu)pair, left);
            sums[i][1] = dot(sums[i][1], (vu)pair, right);
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
        accumulate_rows(ATTENTION_ROWS, keys, d, p, v + 2 * c, rescale, outputs + c * query_tile);
    for (; c + 4 <= d; c += 4) accumulate_rows(4, keys, d, p, v + 2 * c, rescale, outputs + c * query_tile);
    for (; c < d; c++) accumulate_rows(1, keys, d, p, v + 2 * c, rescale, outputs + c * query_tile);
}

#include "../lanes/attention.h"
#include "attention_row_bf16.h"
#include "../lanes/attention_row.h"

size_t attention_scratch_bf16_avx512(const lz_attention *shape) { return attention_scratch(shape, LZ_BF16); }

void attend_bf16_avx512(const attention_block *block, void *scratch) { attend(block, scratch); }

#pragma clang attribute pop
#endif
