// The parts of the reference table, one per subject.
#ifndef LAZULI_REFERENCE_TABLES_H
#define LAZULI_REFERENCE_TABLES_H

#include "../vector_kernels.h"

void reference_elementwise(vector_kernels *table);
void reference_norms(vector_kernels *table);
void reference_attention(vector_kernels *table);
void reference_quantised(vector_kernels *table);

/// Scalar dequantisation of whole blocks to f32; bit-equal to gguf-py.
void dequantise_reference(lz_quantisation type, size_t count, const void *blocks, float *y);

#endif
