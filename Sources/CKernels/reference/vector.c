// Plain C; the judge of every other table.
#include "../numbers.h"
#include "../vector_kernels.h"

static void convert(size_t count, const void *x, lz_dtype x_type, void *y, lz_dtype y_type) {
    for (size_t i = 0; i < count; i++) store_element(y, y_type, i, load_element(x, x_type, i));
}

void lz_vector_kernels_reference(vector_kernels *kernels) { kernels->convert = convert; }
