// Tiles of C += A·B on f32 fused multiply-adds, for f32 panels and for bf16 panels widened in registers. Define LANES,
// TILE_ROWS, TILE_COLUMNS and a_stride before inclusion. Every element is one running sum over k, whatever the number
// of rows, so that a result does not depend on how rows were grouped into tiles.
#include "../matrix_kernels.h"
#include "../vectors.h"

// Sanitised builds leave the loops as they are.
#pragma clang diagnostic ignored "-Wpass-failed"

// Panels are read in order, but the lines of A and of the outputs push them out of L1 in between; 2 KiB ahead covers
// the latency of L2. Tiles of few rows run as fast as memory delivers and look further.
enum { panel_ahead = 2048, panel_far_ahead = 4096 };

enum { tile_rows = TILE_ROWS, tile_columns = TILE_COLUMNS, tile_vectors = TILE_COLUMNS / LANES };

/// Asks for the lines that are read some steps after b[0 ..< tile_columns] words.
INLINE void prefetch_panel(const void *b, size_t rows, size_t vectors) {
    const char *line = (const char *)b + (rows > tile_rows / 2 ? panel_ahead : panel_far_ahead);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < vectors * LANES * 4; i += 64) __builtin_prefetch(line + i);
}

/// Adds the sums of a tile to C, or writes them.
INLINE void store_tile(size_t rows, size_t vectors, vf sums[][tile_vectors], const tile_job *job) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
        for (size_t j = 0; j < vectors; j++) {
            float *c = job->c + i * job->c_stride + j * LANES;
            store_f32(c, job->accumulate ? load_f32(c) + sums[i][j] : sums[i][j]);
        }
    }
}

INLINE void multiply_f32(size_t rows, size_t vectors, const tile_job *job) {
    vf sums[tile_rows][tile_vectors] = {0};
    const float *a = job->a, *b = job->b;
    const size_t depth = job->depth;
    for (size_t k = 0; k < depth; k++, b += tile_columns) {
        vf right[tile_vectors];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < vectors; j++) right[j] = load_f32(b + j * LANES);
        prefetch_panel(b, rows, vectors);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < rows; i++) {
            const vf left = (vf)a[i * a_stride + k];
#pragma clang loop unroll(full)
            for (size_t j = 0; j < vectors; j++) sums[i][j] = __builtin_elementwise_fma(left, right[j], sums[i][j]);
        }
    }
    store_tile(rows, vectors, sums, job);
}

/// B holds pairs of consecutive k: the even one in the low half of each 32-bit word.
INLINE void multiply_widened(size_t rows, size_t vectors, const tile_job *job) {
    vf sums[tile_rows][tile_vectors] = {0};
    const float *a = job->a;
    const uint32_t *b = job->b;
    const size_t depth = job->depth;
    for (size_t k = 0; k < depth; k += 2, b += tile_columns) {
        prefetch_panel(b, rows, vectors);
#pragma clang loop unroll(full)
        for (size_t odd = 0; odd < 2; odd++) {
            vf right[tile_vectors];
            // Reading the pairs twice is cheaper than holding them: 16 registers are full.
            __asm__("" : "+r"(b));
#pragma clang loop unroll(full)
            for (size_t j = 0; j < vectors; j++) {
                vu pairs;
                memcpy(&pairs, b + j * LANES, sizeof pairs);
                right[j] = (vf)(odd ? pairs & 0xffff0000u : pairs << 16);
            }
#pragma clang loop unroll(full)
            for (size_t i = 0; i < rows; i++) {
                const vf left = (vf)a[i * a_stride + k + odd];
#pragma clang loop unroll(full)
                for (size_t j = 0; j < vectors; j++) sums[i][j] = __builtin_elementwise_fma(left, right[j], sums[i][j]);
            }
        }
    }
    store_tile(rows, vectors, sums, job);
}

/// One instance of `multiply` for every number of rows; narrow panels take one vector.
INLINE void multiply_rows(void (*multiply)(size_t rows, size_t vectors, const tile_job *job), const tile_job *job,
                          size_t vectors) {
    switch (job->rows) {
    case 1: multiply(1, vectors, job); return;
    case 2: multiply(2, vectors, job); return;
    case 3: multiply(3, vectors, job); return;
    case 4: multiply(4, vectors, job); return;
    case 5: multiply(5, vectors, job); return;
    case 6: multiply(6, vectors, job); return;
#if TILE_ROWS > 6
    case 7: multiply(7, vectors, job); return;
    case 8: multiply(8, vectors, job); return;
    case 9: multiply(9, vectors, job); return;
    case 10: multiply(10, vectors, job); return;
    case 11: multiply(11, vectors, job); return;
    case 12: multiply(12, vectors, job); return;
    case 13: multiply(13, vectors, job); return;
    case 14: multiply(14, vectors, job); return;
#endif
    }
}

INLINE void multiply_tile(void (*multiply)(size_t rows, size_t vectors, const tile_job *job), const tile_job *job) {
    if (job->columns > LANES) {
        multiply_rows(multiply, job, tile_vectors);
    } else {
        multiply_rows(multiply, job, 1);
    }
}
