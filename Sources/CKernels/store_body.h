// The epilogue: sums to stored elements. Define LANES before inclusion.
#include "matrix_kernels.h"
#include "vector_math.h"

/// One output row: pointers to element `column` of each operand.
typedef struct {
    const float *bias, *sample_bias;  // or NULL
    const void *residual;             // or NULL
    void *y;
} output_row;

INLINE vf finish(const product_target *target, const output_row *row, vf sum, size_t j) {
    const lz_epilogue *epilogue = &target->epilogue;
    if (row->bias) sum += load_f32(row->bias + j);
    if (row->sample_bias) sum += load_f32(row->sample_bias + j);
    sum = activate(sum, epilogue->activation) * (vf)epilogue->scale;
    if (row->residual) sum += load_vector(row->residual, epilogue->residual_type, j);
    return sum;
}

INLINE vf finish_part(const product_target *target, const output_row *row, vf sum, size_t j, size_t count) {
    const lz_epilogue *epilogue = &target->epilogue;
    if (row->bias) sum += load_part_f32(row->bias + j, count);
    if (row->sample_bias) sum += load_part_f32(row->sample_bias + j, count);
    sum = activate(sum, epilogue->activation) * (vf)epilogue->scale;
    if (row->residual) sum += load_part(row->residual, epilogue->residual_type, j, count);
    return sum;
}

static void store(const product_target *target, size_t row, size_t rows, size_t column, size_t columns, const float *c,
                  size_t c_stride) {
    const lz_epilogue *epilogue = &target->epilogue;
    for (size_t i = 0; i < rows; i++, c += c_stride) {
        const size_t m = row + i;
        output_row out = {.bias = epilogue->bias ? epilogue->bias + column : NULL};
        if (epilogue->sample_bias) {
            out.sample_bias = epilogue->sample_bias + m / epilogue->rows_per_sample * target->columns + column;
        }
        if (epilogue->residual) {
            out.residual = element_at(epilogue->residual, epilogue->residual_type, m * epilogue->residual_stride + column);
        }
        out.y = (char *)target->y + (m * target->stride + column) * element_size(target->type);
        size_t j = 0;
        for (; j + LANES <= columns; j += LANES) {
            store_vector(out.y, target->type, j, finish(target, &out, load_f32(c + j), j));
        }
        if (j < columns) {
            const vf sum = load_part_f32(c + j, columns - j);
            store_part(out.y, target->type, j, finish_part(target, &out, sum, j, columns - j), columns - j);
        }
    }
}
