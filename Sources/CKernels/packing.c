// Packs weights once at load.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/mman.h>
#endif

#include "packed.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "include/threads.h"
#include "numbers.h"
#include "table.h"

/// Weights of a checkpoint: a row holds K elements, element (tap, i) at tap + i · taps.
typedef struct {
    lz_packed *packed;
    const void *weights;
    lz_dtype type;
    size_t row_stride;   // in elements
    atomic_bool failed;  // for want of memory
} packing;

enum { huge_page = 2 << 20, most_columns = 64 };

/// 64-byte aligned; large blocks in huge pages, since a product walks over them at the speed of memory.
static void *allocate(size_t bytes) {
    const size_t alignment = bytes >= 4 * huge_page ? huge_page : 64;
    void *memory = aligned_alloc(alignment, round_up(larger(bytes, 1), alignment));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (memory != NULL && alignment == huge_page) madvise(memory, round_up(bytes, huge_page), MADV_HUGEPAGE);
#endif
    return memory;
}

/// Puts taps outermost, the order of K.
static void order_taps(const lz_packed *packed, const void *row, void *ordered) {
    const size_t taps = packed->taps, inputs = packed->k / taps;
    for (size_t tap = 0; tap < taps; tap++) {
        if (packed->type == LZ_F32) {
            const float *from = (const float *)row + tap;
            float *to = (float *)ordered + tap * inputs;
            for (size_t i = 0; i < inputs; i++) to[i] = from[i * taps];
        } else {
            const uint16_t *from = (const uint16_t *)row + tap;
            uint16_t *to = (uint16_t *)ordered + tap * inputs;
            for (size_t i = 0; i < inputs; i++) to[i] = from[i * taps];
        }
    }
}

/// `depth` terms into a column of a panel, whose words are f32 or pairs of bf16; an odd term at the end has a zero
/// beside it.
static void deal_column(const lz_packed *packed, const char *terms, size_t depth, uint32_t *column) {
    const size_t columns = packed->kernels->blocks.columns, size = element_size(packed->type);
    const size_t words = depth * size / sizeof *column;
    for (size_t i = 0; i < words; i++) memcpy(&column[i * columns], terms + i * sizeof *column, sizeof *column);
    if (words * sizeof *column == depth * size) return;
    column[words * columns] = 0;
    memcpy(&column[words * columns], terms + words * sizeof *column, size);
}

/// Every row is converted at the speed of vectors and put in order while it is in L1, then all are dealt out block by
/// block. `room` holds one row more than a panel has columns.
static void pack_panel(const packing *work, size_t panel, char *room) {
    const lz_packed *packed = work->packed;
    const size_t columns = packed->kernels->blocks.columns, first = panel * columns;
    const size_t filled = smaller(packed->n - first, columns), row_bytes = packed->k * element_size(packed->type);
    const char *rows[most_columns];
    for (size_t n = 0; n < filled; n++) {
        const void *row = element_at(work->weights, work->type, (first + n) * work->row_stride);
        char *ordered = room + (n + 1) * row_bytes;
        if (work->type != packed->type) {
            char *converted = packed->taps == 1 ? ordered : room;
            lz_table()->vector.convert(packed->k, row, work->type, converted, packed->type);
            row = converted;
        }
        if (packed->taps > 1) order_taps(packed, row, ordered);
        rows[n] = packed->taps > 1 ? ordered : row;
    }
    for (size_t k = 0; k < packed->k; k += packed->depth) {
        const size_t depth = depth_at(packed, k);
        char *to = panel_at(packed, panel, k);
        if (filled < columns) memset(to, 0, panel_bytes(packed, depth));
        for (size_t n = 0; n < filled; n++) {
            deal_column(packed, rows[n] + k * element_size(packed->type), depth, (uint32_t *)to + n);
        }
    }
}

static void pack_panels(void *context, size_t begin, size_t end, size_t thread) {
    packing *work = context;
    const lz_packed *packed = work->packed;
    const size_t rows = packed->kernels->blocks.columns + 1;
    char *room = lz_scratch(thread, rows * packed->k * element_size(packed->type));
    if (room == NULL) {
        work->failed = true;
        return;
    }
    for (size_t panel = begin; panel < end; panel++) pack_panel(work, panel, room);
}

static lz_packed *pack(packing *work, size_t n, size_t inputs, size_t taps, lz_dtype as) {
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
    work->packed = packed;
    lz_parallel(packed->panels, 1, pack_panels, work);
    if (!work->failed) return packed;
    lz_packed_free(packed);
    return NULL;
}

lz_packed *lz_pack_matrix(const void *weights, lz_dtype type, size_t n, size_t k, size_t stride, lz_dtype as) {
    packing work = {.weights = weights, .type = type, .row_stride = stride};
    return pack(&work, n, k, 1, as);
}

lz_packed *lz_pack_convolution(const void *weights, lz_dtype type, size_t o, size_t i, size_t kh, size_t kw,
                               lz_dtype as) {
    packing work = {.weights = weights, .type = type, .row_stride = i * kh * kw};
    return pack(&work, o, i, kh * kw, as);
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
