// Gathers patches into rows of A. Define LANES and a_stride before inclusion.
//
// Under one kernel row, the taps of a channels-last image without upsampling are one contiguous run of pixels, which is
// copied whole: a 3×3 patch of 3 channels is 3 runs of 9 elements instead of 9 of 3.
#include "../matrix_kernels.h"
#include "../vectors.h"

/// What an element of A is: f32, f32 that was rounded to bf16, or bf16.
typedef enum { operand_f32, operand_rounded, operand_bf16 } operand;

INLINE vf load_operand(const void *x, lz_dtype type, size_t from, size_t count, operand as) {
    const vf value = count == LANES ? load_vector(x, type, from) : load_part(x, type, from, count);
    return as == operand_rounded && type == LZ_F32 ? widen_bf16(round_bf16(value)) : value;
}

/// a[to ..< to + count] = x[from ..< from + count]
INLINE void copy_run(const void *x, lz_dtype type, size_t from, size_t count, void *a, size_t to, operand as) {
    const lz_dtype a_type = as == operand_bf16 ? LZ_BF16 : LZ_F32;
    size_t i = 0;
    if (as == operand_bf16 && type == LZ_BF16) {
        const uint16_t *source = (const uint16_t *)x + from;
        uint16_t *target = (uint16_t *)a + to;
        for (; i + 2 * LANES <= count; i += 2 * LANES) memcpy(target + i, source + i, 2 * LANES * sizeof *source);
    }
    for (; i + LANES <= count; i += LANES) store_vector(a, a_type, to + i, load_operand(x, type, from + i, LANES, as));
    if (i < count) store_part(a, a_type, to + i, load_operand(x, type, from + i, count - i, as), count - i);
}

INLINE void zero_run(void *a, size_t to, size_t count, operand as) {
    for (size_t i = 0; i < count; i++) {
        if (as == operand_bf16) {
            ((uint16_t *)a)[to + i] = 0;
        } else {
            ((float *)a)[to + i] = 0;
        }
    }
}

/// Elements [first, first + count) of the run of taps that starts at kernel position (ky, kx), for `rows` patches from
/// `row` on, into A from element `to`.
INLINE void gather_run(const patch_source *source, size_t row, size_t rows, size_t ky, size_t kx, size_t first,
                       size_t count, void *a, size_t to, operand as) {
    const lz_convolution *shape = &source->shape;
    const ptrdiff_t up = (ptrdiff_t)shape->upsample, channels = (ptrdiff_t)shape->in_channels;
    const ptrdiff_t height = (ptrdiff_t)shape->height * up, width = (ptrdiff_t)shape->width * up;
    const ptrdiff_t begin = (ptrdiff_t)first, end = (ptrdiff_t)(first + count);
    size_t ox = row % source->out_width, oy = row / source->out_width % source->out_height;
    size_t sample = row / source->out_width / source->out_height;
    for (size_t i = 0; i < rows; i++, to += a_stride) {
        const ptrdiff_t iy = (ptrdiff_t)(oy * shape->stride + ky) - (ptrdiff_t)shape->pad_top;
        const ptrdiff_t ix = (ptrdiff_t)(ox * shape->stride + kx) - (ptrdiff_t)shape->pad_left;
        // Elements of the run that lie inside the image.
        ptrdiff_t inside = ix < 0 ? -ix * channels : 0, outside = (width - ix) * channels;
        if (iy < 0 || iy >= height) outside = begin;
        outside = outside < begin ? begin : (outside > end ? end : outside);
        inside = inside < begin ? begin : (inside > outside ? outside : inside);
        if (inside > begin) zero_run(a, to, (size_t)(inside - begin), as);
        if (outside > inside) {
            const ptrdiff_t y = up == 1 ? iy : iy / up, x = up == 1 ? ix : ix / up;
            const ptrdiff_t pixel = ((ptrdiff_t)sample * (ptrdiff_t)shape->height + y) * (ptrdiff_t)shape->width + x;
            copy_run(source->x, source->type, (size_t)(pixel * (ptrdiff_t)source->pixel_stride + inside),
                     (size_t)(outside - inside), a, to + (size_t)(inside - begin), as);
        }
        if (end > outside) zero_run(a, to + (size_t)(outside - begin), (size_t)(end - outside), as);
        if (++ox == source->out_width) {
            ox = 0;
            if (++oy == source->out_height) {
                oy = 0;
                sample++;
            }
        }
    }
}

INLINE void gather(const patch_source *source, size_t row, size_t rows, size_t k, size_t depth, void *a, operand as) {
    const lz_convolution *shape = &source->shape;
    const bool joined = source->pixel_stride == shape->in_channels && shape->upsample == 1;
    const size_t run = (joined ? shape->kernel_width : 1) * shape->in_channels;
    for (size_t done = 0; done < depth;) {
        const size_t index = (k + done) / run, first = (k + done) % run, count = smaller(run - first, depth - done);
        const size_t ky = joined ? index : index / shape->kernel_width, kx = joined ? 0 : index % shape->kernel_width;
        gather_run(source, row, rows, ky, kx, first, count, a, done, as);
        done += count;
    }
    if (depth % 2 != 0) {
        for (size_t i = 0; i < rows; i++) zero_run(a, i * a_stride + depth, 1, as);
    }
}
