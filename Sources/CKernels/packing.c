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

/// Terms [k, k + depth) of column n into its places of a panel. Both types are constants where it is inlined.
static inline __attribute__((always_inline)) void pack_terms(const packing *work, size_t n, size_t k, size_t depth,
                                                             void *panel, lz_dtype type, lz_dtype as) {
    const lz_packed *packed = work->packed;
    const size_t columns = packed->kernels->blocks.columns, inputs = packed->k / packed->taps, stride = work->stride;
    float *singles = (float *)panel + n % columns;
    uint16_t *halves = (uint16_t *)panel + n % columns * 2;
    for (size_t done = 0; done < depth;) {
        const size_t tap = (k + done) / inputs, input = (k + done) % inputs;
        const size_t end = smaller(depth, done + inputs - input);
        size_t from = n * work->row_stride + tap * work->tap_stride + input * stride;
        for (; done < end; done++, from += stride) {
            if (as == LZ_F32) {
                singles[done * columns] = load_element(work->weights, type, from);
            } else {
                uint16_t *half = &halves[done / 2 * columns * 2 + done % 2];
                if (type == LZ_BF16) {
                    *half = ((const uint16_t *)work->weights)[from];
                } else {
                    *half = bf16_of_float(load_element(work->weights, type, from));
                }
            }
        }
    }
}

static void pack_column(const packing *work, size_t n, size_t k, size_t depth, void *panel) {
    const bool single = work->packed->type == LZ_F32;
    switch (work->type) {
    case LZ_F32: pack_terms(work, n, k, depth, panel, LZ_F32, single ? LZ_F32 : LZ_BF16); return;
    case LZ_F16: pack_terms(work, n, k, depth, panel, LZ_F16, single ? LZ_F32 : LZ_BF16); return;
    case LZ_BF16: pack_terms(work, n, k, depth, panel, LZ_BF16, single ? LZ_F32 : LZ_BF16); return;
    }
}

static void pack_panels(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    const packing *work = context;
    const lz_packed *packed = work->packed;
    const size_t columns = packed->kernels->blocks.columns;
    for (size_t p = begin; p < end; p++) {
        const size_t filled = smaller(packed->n, (p + 1) * columns);
        for (size_t k = 0; k < packed->k; k += packed->depth) {
            const size_t depth = depth_at(packed, k);
            char *panel = panel_at(packed, p, k);
            if (filled % columns != 0 || depth % 2 != 0) memset(panel, 0, panel_bytes(packed, depth));
            for (size_t n = p * columns; n < filled; n++) pack_column(work, n, k, depth, panel);
        }
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
    // Blocks of equal depth, which depends on K alone, as the order of a sum must.
    const size_t blocks = larger(1, divide_up(packed->k, packed->kernels->blocks.depth));
    packed->depth = larger(2, round_up(divide_up(packed->k, blocks), 2));
    packed->panels = divide_up(n, packed->kernels->blocks.columns);
    packed->bytes = packed->panels * panel_bytes(packed, packed->k);
    packed->data = allocate(packed->bytes);
    if (packed->data == NULL) {
        free(packed);
        return NULL;
    }
    work.packed = packed;
    lz_parallel(packed->panels, 1, pack_panels, &work);
    return packed;
}

lz_packed *lz_pack_matrix(const void *weights, lz_dtype type, size_t n, size_t k, size_t stride, lz_dtype as) {
    const packing work = {.weights = weights, .type = type, .row_stride = stride, .tap_stride = k, .stride = 1};
    return pack(work, n, k, 1, as);
}

lz_packed *lz_pack_convolution(const void *weights, lz_dtype type, size_t o, size_t i, size_t kh, size_t kw,
                               lz_dtype as) {
    const size_t taps = kh * kw;
    const packing work = {.weights = weights, .type = type, .row_stride = i * taps, .tap_stride = 1, .stride = taps};
    return pack(work, o, i, taps, as);
}

void lz_unpack(const lz_packed *packed, float *out) {
    const size_t columns = packed->kernels->blocks.columns;
    for (size_t n = 0; n < packed->n; n++) {
        const size_t column = n % columns;
        for (size_t k = 0; k < packed->k; k++) {
            const size_t i = k % packed->depth;
            const void *panel = panel_at(packed, n / columns, k - i);
            const size_t place = packed->type == LZ_F32 ? i * columns + column : (i / 2 * columns + column) * 2 + i % 2;
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
