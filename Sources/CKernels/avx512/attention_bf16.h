// Attention on bf16 dot products, for CPUs that have them.
#ifndef LAZULI_ATTENTION_BF16_H
#define LAZULI_ATTENTION_BF16_H

#include "../vector_kernels.h"

size_t attention_scratch_bf16_avx512(const lz_attention *shape);
void attend_bf16_avx512(const attention_block *block, void *scratch);

#endif
