// Packed weights. K is cut into blocks of equal depth; a block holds panels of NR columns (outputs), zero beyond N and
// K: [block][panel][depth][NR] for f32, [block][panel][depth/2][NR][2] for bf16. A product walks over them in this
// order.
#ifndef LAZULI_PACKED_H
#define LAZULI_PACKED_H

#include "matrix_kernels.h"

struct lz_packed {
    const product_kernels *kernels;  // of the table that these weights were packed for
    lz_dtype type;                   // LZ_F32 or LZ_BF16
    size_t n, k;
    size_t taps;                     // KH·KW, outermost in K; 1 for matrices
    size_t depth;                    // terms of a block of K, even; the last block may be shorter
    size_t panels;
    size_t bytes;
    void *data;
};

/// Bytes of `depth` terms of one panel; bf16 terms come in pairs.
static inline size_t panel_bytes(const lz_packed *packed, size_t depth) {
    const size_t columns = packed->kernels->blocks.columns;
    return packed->type == LZ_F32 ? depth * columns * sizeof(float) : (depth + depth % 2) * columns * sizeof(uint16_t);
}

/// Terms of the block that starts at term k.
static inline size_t depth_at(const lz_packed *packed, size_t k) {
    return k + packed->depth < packed->k ? packed->depth : packed->k - k;
}

/// Where the block of `panel` that starts at term k lies.
static inline char *panel_at(const lz_packed *packed, size_t panel, size_t k) {
    const size_t before = packed->panels * panel_bytes(packed, k);
    return (char *)packed->data + before + panel * panel_bytes(packed, depth_at(packed, k));
}

#endif
