// Kernels over rows and elements: conversion, norms, attention, quantised products.
#ifndef LAZULI_VECTOR_KERNELS_H
#define LAZULI_VECTOR_KERNELS_H

#include "include/types.h"

typedef struct {
    void (*convert)(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type);
} vector_kernels;

void lz_vector_kernels_reference(vector_kernels *kernels);
void lz_vector_kernels_avx2(vector_kernels *kernels);
void lz_vector_kernels_avx512(vector_kernels *kernels);
void lz_vector_kernels_neon(vector_kernels *kernels);

#endif
