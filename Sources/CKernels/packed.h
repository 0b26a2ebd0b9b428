// Packed weights: panels of NR columns (outputs), each holding all K terms in order, zero beyond N and K.
#ifndef LAZULI_PACKED_H
#define LAZULI_PACKED_H

#include "matrix_kernels.h"

struct lz_packed {
    const product_kernels *kernels;  // of the table that these weights were packed for
    lz_dtype type;                   // LZ_F32: [panel][K][NR]; LZ_BF16: [panel][K/2][NR][2]
    size_t n, k;
    size_t taps;                     // KH·KW, outermost in K; 1 for matrices
    size_t panel_bytes, bytes;
    void *data;
};

static inline const char *panel_of(const lz_packed *packed, size_t panel) {
    return (const char *)packed->data + panel * packed->panel_bytes;
}

/// Bytes of `depth` terms of one panel.
static inline size_t panel_depth_bytes(const lz_packed *packed, size_t depth) {
    return depth * packed->kernels->blocks.columns * (packed->type == LZ_F32 ? sizeof(float) : sizeof(uint16_t));
}

#endif
