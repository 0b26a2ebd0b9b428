// Packs weights once at load.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/mman.h>
#endif

#include "packed.h"

#include <stdlib.h>

#include "include/threads.h"
#include "numbers.h"
#include "table.h"

/// Where weight (n, tap, i) of a checkpoint lies.
typedef struct {
    lz_packed *packed;
    const void *weights;
    lz_dtype type;
    size_t row_stride, tap_stride, stride;  // in elements, for n, tap and i
} packing;

enum { huge_page = 2 << 20 };

/// 64-byte aligned; large blocks in huge pages, since a product walks over them at the speed of memory.
static void *allocate(size_t bytes) {
    const size_t alignment = bytes >= 4 * huge_page ? huge_page : 64;
    void *memory = aligned_alloc(alignment, round_up(larger(bytes, 1), alignment));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (memory != NULL && alignment == huge_page) madvise(memory, round_up(bytes, huge_page), MADV_HUGEPAGE);
#endif
    return memory;
}

/// Terms of one column into its places of a panel: `step` elements from one k (f32) or pair of k (bf16) to the next.
static void pack_column(const packing *work, size_t n, void *panel, size_t column) {
    const lz_packed *packed = work->packed;
    const size_t columns = packed->kernels->blocks.columns, inputs = packed->k / packed->taps;
    size_t k = 0;
    for (size_t tap = 0; tap < packed->taps; tap++) {
        const size_t from = n * work->row_stride + tap * work->tap_stride;
        for (size_t i = 0; i < inputs; i++, k++) {
            const size_t element = from + i * work->stride;
            if (packed->type == LZ_F32) {
                ((float *)panel)[k * columns + column] = load_element(work->weights, work->type, element);
            } else {
                const uint16_t value = work->type == LZ_BF16
                    ? ((const uint16_t *)work->weights)[element]
                    : bf16_of_float(load_element(work->weights, work->type, element));
                ((uint16_t *)panel)[(k / 2 * columns + column) * 2 + k % 2] = value;
            }
        }
    }
}

static void pack_panels(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const packing *work = context;
    const lz_packed *packed = work->packed;
    const size_t columns = packed->kernels->blocks.columns;
    for (size_t p = begin; p < end; p++) {
        char *panel = (char *)packed->data + p * packed->panel_bytes;
        memset(panel, 0, packed->panel_bytes);
        const size_t filled = smaller(columns, packed->n - p * columns);
        for (size_t column = 0; column < filled; column++) pack_column(work, p * columns + column, panel, column);
    }
}

static lz_packed *pack(packing work, size_t n, size_t inputs, size_t taps, lz_dtype as) {
    lz_packed *packed = malloc(sizeof *packed);
    if (packed == NULL) return NULL;
    const matrix_kernels *kernels = &lz_table()->matrix;
    *packed = (lz_packed){
        .kernels = as == LZ_F32 ? &kernels->f32 : &kernels->bf16,
        .type = as == LZ_F32 ? LZ_F32 : LZ_BF16,
        .n = n,
        .k = inputs * taps,
        .taps = larger(taps, 1),
    };
    const size_t panels = divide_up(n, packed->kernels->blocks.columns);
    packed->panel_bytes = panel_depth_bytes(packed, round_up(packed->k, 2));
    packed->bytes = panels * packed->panel_bytes;
    packed->data = allocate(packed->bytes);
    if (packed->data == NULL) {
        free(packed);
        return NULL;
    }
    work.packed = packed;
    lz_parallel(panels, 1, pack_panels, &work);
    return packed;
}

lz_packed *lz_pack_matrix(const void *weights, lz_dtype type, size_t n, size_t k, size_t stride, lz_dtype as) {
    const packing work = {.weights = weights, .type = type, .row_stride = stride, .tap_stride = k, .stride = 1};
    return pack(work, n, k, 1, as);
}

lz_packed *lz_pack_convolution(const void *weights, lz_dtype type, size_t o, size_t i, size_t kh, size_t kw, lz_dtype as) {
    const size_t taps = kh * kw;
    const packing work = {.weights = weights, .type = type, .row_stride = i * taps, .tap_stride = 1, .stride = taps};
    return pack(work, o, i, taps, as);
}

void lz_unpack(const lz_packed *packed, float *out) {
    const size_t columns = packed->kernels->blocks.columns;
    for (size_t n = 0; n < packed->n; n++) {
        const void *panel = panel_of(packed, n / columns);
        const size_t column = n % columns;
        for (size_t k = 0; k < packed->k; k++) {
            const size_t place = packed->type == LZ_F32 ? k * columns + column : (k / 2 * columns + column) * 2 + k % 2;
            out[n * packed->k + k] = load_element(panel, packed->type, place);
        }
    }
}

void lz_packed_free(lz_packed *packed) {
    if (packed == NULL) return;
    free(packed->data);
    free(packed);
}

size_t lz_packed_bytes(const lz_packed *packed) { return packed->bytes; }
size_t lz_packed_rows(const lz_packed *packed) { return packed->n; }
size_t lz_packed_columns(const lz_packed *packed) { return packed->k; }
