// Splits attention over batch × heads × blocks of queries.
#include "include/threads.h"
#include "table.h"

typedef struct {
    const vector_kernels *table;
    attention_block whole;  ///< block fields unset
    size_t queries, blocks, scratch;
} attention_work;

static void attend_blocks(void *context, size_t begin, size_t end, size_t thread) {
    const attention_work *work = context;
    const lz_attention *shape = work->whole.shape;
    void *scratch = work->scratch ? lz_scratch(thread, work->scratch) : NULL;
    vector_kernels fallback;  // needs no memory
    const vector_kernels *table = work->table;
    if (work->scratch && !scratch) {
        lz_vector_kernels_reference(&fallback);
        table = &fallback;
    }
    for (size_t item = begin; item < end; item++) {
        attention_block block = work->whole;
        size_t row = item / work->blocks;
        block.sample = row / shape->heads;
        block.head = row % shape->heads;
        block.query_begin = item % work->blocks * work->queries;
        block.query_end = block.query_begin + work->queries;
        if (block.query_end > shape->queries) block.query_end = shape->queries;
        table->attend(&block, scratch);
    }
}

void lz_attend(const lz_attention *shape, const void *q, const void *k, const void *v, void *y, lz_dtype type) {
    attention_work work = {.table = &lz_table()->vector,
                           .whole = {.shape = shape, .q = q, .k = k, .v = v, .y = y, .type = type}};
    work.queries = work.table->attention_queries(shape, type);
    work.blocks = (shape->queries + work.queries - 1) / work.queries;
    work.scratch = work.table->attention_scratch(shape, type);
    lz_parallel(shape->batch * shape->heads * work.blocks, 1, attend_blocks, &work);
}
