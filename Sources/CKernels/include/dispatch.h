// Which instruction set the kernels use: best the CPU has, unless LAZULI_KERNELS names another.
#ifndef LAZULI_DISPATCH_H
#define LAZULI_DISPATCH_H

#include "types.h"

/// "reference", "avx2", "avx512" or "neon": the table in use.
const char *lz_kernels_name(void);
/// Selects a table by name (what LAZULI_KERNELS holds, or a test). false: unknown, or this CPU lacks it; nothing
/// changes. Weights packed before a change stay valid: they are multiplied by the table that they were packed for.
bool lz_select_kernels(const char *name);
/// Whether the table in use has bf16 dot products (else bf16 weights are widened in registers), and 8-bit ones.
bool lz_has_bf16(void);
bool lz_has_int8(void);
/// Measured peak of this CPU on `threads` threads (at most lz_thread_count()), in GFLOP/s of a register-only
/// multiply-add loop: the best of many slices of a millisecond in about 0.2 s. LZ_BF16 means bf16 weights, as the table
/// multiplies them.
double lz_measure_peak(lz_dtype type, size_t threads);

#endif
