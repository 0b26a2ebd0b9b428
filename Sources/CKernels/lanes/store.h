// The epilogue: sums to stored elements. Define LANES before inclusion.
#include "../matrix_kernels.h"
#include "../vector_math.h"

/// Loads or stores of a whole vector, or of the first `count` elements where count < LANES.
INLINE vf load_some(const void *x, lz_dtype type, size_t i, size_t count) {
    return count == LANES ? load_vector(x, type, i) : load_part(x, type, i, count);
}

INLINE void store_some(void *y, lz_dtype type, size_t i, vf value, size_t count) {
    if (count == LANES) {
        store_vector(y, type, i, value);
    } else {
        store_part(y, type, i, value, count);
    }
}

/// `count` columns from n on, of rows [m, m + rows).
INLINE void store_columns(const product_target *target, size_t m, size_t rows, size_t n, size_t count, const float *c,
                          size_t c_stride, lz_activation activation) {
    const lz_epilogue epilogue = target->epilogue;
    const vf bias = epilogue.bias ? load_some(epilogue.bias, LZ_F32, n, count) : (vf)0.0f, scale = (vf)epilogue.scale;
    for (const size_t end = m + rows; m < end; m++, c += c_stride) {
        vf sum = load_some(c, LZ_F32, 0, count) + bias;
        if (epilogue.sample_bias) {
            sum += load_some(epilogue.sample_bias, LZ_F32, m / epilogue.rows_per_sample * target->columns + n, count);
        }
        sum = activate(sum, activation) * scale;
        if (epilogue.residual) {
            sum += load_some(epilogue.residual, epilogue.residual_type, m * epilogue.residual_stride + n, count);
        }
        store_some(target->y, target->type, m * target->stride + n, sum, count);
    }
}

INLINE void store_activated(const product_target *target, size_t row, size_t rows, size_t column, size_t columns,
                            const float *c, size_t c_stride, lz_activation activation) {
    size_t j = 0;
    for (; j + LANES <= columns; j += LANES) {
        store_columns(target, row, rows, column + j, LANES, c + j, c_stride, activation);
    }
    if (j < columns) store_columns(target, row, rows, column + j, columns - j, c + j, c_stride, activation);
}

static void store(const product_target *target, size_t row, size_t rows, size_t column, size_t columns, const float *c,
                  size_t c_stride) {
    // The common case has loops of its own.
    if (target->epilogue.activation == LZ_IDENTITY) {
        store_activated(target, row, rows, column, columns, c, c_stride, LZ_IDENTITY);
    } else {
        store_activated(target, row, rows, column, columns, c, c_stride, target->epilogue.activation);
    }
}
