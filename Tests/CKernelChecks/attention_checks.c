// Attention against a double reference that stores the whole score row.
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"
#include "vector_checks.h"

enum { guard = 16 };

typedef struct {
    lz_attention shape;
    void *q, *k, *v, *y;
    float *bias;
    size_t outputs;  // elements of y, the guard excluded
} attention_data;

attention_case random_attention(uint64_t seed) {
    static const size_t sizes[] = {40, 64, 80, 128, 160, 512};
    static const size_t counts[] = {1, 2, 4, 5, 15, 16, 17, 31, 33, 63, 65, 77, 95, 97, 130};
    uint64_t state = seed * 7919 + 1;
    attention_case test = {.batch = 1 + below(&state, 2), .kv_heads = 1 + below(&state, 2)};
    test.heads = test.kv_heads * (1 + below(&state, 3));
    test.queries = counts[below(&state, 15)];
    test.keys = counts[below(&state, 15)];
    test.head_size = below(&state, 3) ? 1 + below(&state, 33) : sizes[below(&state, 6)];
    test.padding = below(&state, 2) * 3;
    test.causal = below(&state, 2);
    test.bias = (bias_kind)below(&state, 4);
    test.scale = 1 / sqrtf((float)test.head_size);
    if (below(&state, 8) == 0) test.scale = -test.scale;
    test.type = below(&state, 2) ? LZ_BF16 : LZ_F32;
    return test;
}

static void *tokens(uint64_t *state, lz_dtype type, size_t count, size_t width, size_t padding) {
    void *x = malloc((count * (width + padding) + guard) * bytes_of(type));
    for (size_t i = 0; i < count * (width + padding) + guard; i++) {
        const bool inside = i < count * (width + padding) && i % (width + padding) < width;
        put(x, type, i, inside ? 2 * next_number(state) : NAN);
    }
    return x;
}

static void make(const attention_case *test, attention_data *data) {
    uint64_t state = test->queries * 31 + test->keys * 17 + test->head_size;
    const size_t d = test->head_size, q = test->heads * d + test->padding, k = test->kv_heads * d + test->padding;
    data->shape = (lz_attention){.batch = test->batch,
                                 .heads = test->heads,
                                 .kv_heads = test->kv_heads,
                                 .queries = test->queries,
                                 .keys = test->keys,
                                 .head_size = d,
                                 .q_batch = test->queries * q,
                                 .q_token = q,
                                 .q_head = d,
                                 .k_batch = test->keys * k,
                                 .k_token = k,
                                 .k_head = d,
                                 .v_batch = test->keys * k,
                                 .v_token = k,
                                 .v_head = d,
                                 .y_batch = test->queries * q,
                                 .y_token = q,
                                 .y_head = d,
                                 .scale = test->scale,
                                 .causal = test->causal};
    data->q = tokens(&state, test->type, test->batch * test->queries, test->heads * d, test->padding);
    data->k = tokens(&state, test->type, test->batch * test->keys, test->kv_heads * d, test->padding);
    data->v = tokens(&state, test->type, test->batch * test->keys, test->kv_heads * d, test->padding);
    data->outputs = test->batch * test->queries * q;
    data->y = malloc((data->outputs + guard) * bytes_of(test->type));
    data->bias = NULL;
    if (test->bias == BIAS_NONE) return;
    const size_t samples = test->bias == BIAS_SHARED ? 1 : test->batch;
    const size_t queries = test->bias == BIAS_OF_KEYS ? 1 : test->queries;
    data->bias = malloc(samples * queries * test->keys * sizeof(float));
    for (size_t i = 0; i < samples * queries * test->keys; i++)
        data->bias[i] = below(&state, 4) == 0 ? -INFINITY : next_number(&state);
    if (test->bias == BIAS_SHARED)
        for (size_t i = 0; i < test->keys; i++) data->bias[queries / 2 * test->keys + i] = -INFINITY;
    data->shape.bias = data->bias;
    data->shape.bias_batch = samples == 1 ? 0 : queries * test->keys;
    data->shape.bias_query = queries == 1 ? 0 : test->keys;
}

static void drop(attention_data *data) {
    free(data->q);
    free(data->k);
    free(data->v);
    free(data->y);
    free(data->bias);
}

static void poison(const attention_case *test, attention_data *data) {
    for (size_t i = 0; i < data->outputs + guard; i++) put(data->y, test->type, i, -77);
}

/// Row of one query and head in double precision.
static void expect(const attention_case *test, const attention_data *data, size_t sample, size_t head, size_t query,
                   double *scores, double *row) {
    const lz_attention *shape = &data->shape;
    const size_t kv = head / (shape->heads / shape->kv_heads), d = shape->head_size;
    double largest = -INFINITY, sum = 0;
    for (size_t key = 0; key < shape->keys; key++) {
        double dot = 0;
        for (size_t c = 0; c < d; c++)
            dot += (double)get(data->q, test->type, sample * shape->q_batch + query * shape->q_token + head * d + c) *
                   get(data->k, test->type, sample * shape->k_batch + key * shape->k_token + kv * d + c);
        scores[key] = dot * shape->scale;
        if (data->bias) scores[key] += data->bias[sample * shape->bias_batch + query * shape->bias_query + key];
        if (shape->causal && key + shape->queries > shape->keys + query) scores[key] = -INFINITY;
        if (scores[key] > largest) largest = scores[key];
    }
    for (size_t c = 0; c < d; c++) row[c] = 0;
    if (largest == -INFINITY) return;
    for (size_t key = 0; key < shape->keys; key++) {
        const double p = exp(scores[key] - largest);
        sum += p;
        for (size_t c = 0; c < d; c++)
            row[c] += p * get(data->v, test->type, sample * shape->v_batch + key * shape->v_token + kv * d + c);
    }
    for (size_t c = 0; c < d; c++) row[c] /= sum;
}

static void describe(const attention_case *test, char *message, size_t size, const char *what) {
    snprintf(message, size,
             "%zu samples, %zu/%zu heads, %zu queries, %zu keys, size %zu, padding %zu, %s, bias %d, %s: %s",
             test->batch, test->heads, test->kv_heads, test->queries, test->keys, test->head_size, test->padding,
             test->causal ? "causal" : "open", (int)test->bias, test->type == LZ_F32 ? "f32" : "bf16", what);
}

bool check_attention(const attention_case *test, char *message, size_t size) {
    attention_data data;
    make(test, &data);
    poison(test, &data);
    lz_attend(&data.shape, data.q, data.k, data.v, data.y, test->type);
    double *scores = malloc((test->keys + test->head_size) * sizeof(double)), *row = scores + test->keys;
    // Values are below 2. bf16: half an ulp of the result, and weights of 8 bits whose errors average out.
    const double tolerance = test->type == LZ_F32 ? 4e-6 : 1.2e-2;
    bool good = true;
    for (size_t i = 0; good && i < data.outputs + guard; i++) {
        const size_t width = data.shape.y_token, d = test->head_size, inside = i % width;
        if (i >= data.outputs || inside >= test->heads * d) {
            good = get(data.y, test->type, i) == -77;
            if (!good) describe(test, message, size, "wrote outside");
            continue;
        }
        const size_t token = i / width, sample = token / test->queries, query = token % test->queries;
        if (inside % d == 0) expect(test, &data, sample, inside / d, query, scores, row);
        const double error = fabs(get(data.y, test->type, i) - row[inside % d]);
        good = error <= tolerance;
        char what[96];
        snprintf(what, sizeof what, "query %zu channel %zu: %g instead of %g", query, inside,
                 (double)get(data.y, test->type, i), row[inside % d]);
        if (!good) describe(test, message, size, what);
    }
    free(scores);
    drop(&data);
    return good;
}

bool check_attention_threads(const attention_case *test, char *message, size_t size) {
    attention_data data;
    make(test, &data);
    const size_t before = lz_thread_count(), bytes = (data.outputs + guard) * bytes_of(test->type);
    void *first = malloc(bytes);
    bool good = true;
    for (size_t threads = 1; good && threads <= 3; threads++) {
        lz_set_thread_count(threads);
        poison(test, &data);
        lz_attend(&data.shape, data.q, data.k, data.v, data.y, test->type);
        if (threads == 1) memcpy(first, data.y, bytes);
        good = memcmp(first, data.y, bytes) == 0;
        if (!good) describe(test, message, size, "differs between thread counts");
    }
    lz_set_thread_count(before);
    free(first);
    drop(&data);
    return good;
}
