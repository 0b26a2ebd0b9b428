// The dispatch table: one value per instruction set, filled at start. Each begins as a copy of `reference` and
// overrides what it has.
#ifndef LAZULI_TABLE_H
#define LAZULI_TABLE_H

#include "matrix_kernels.h"
#include "vector_kernels.h"

typedef struct {
    const char *isa;
    bool bf16;              // bf16 dot products in hardware
    bool int8;              // 8-bit dot products in hardware
    matrix_kernels matrix;  // products and convolutions
    vector_kernels vector;  // everything else
} kernel_table;

/// The table in use.
const kernel_table *lz_table(void);

#endif
