// A whole matrix table whose arithmetic is f32: bodies shared by the instruction sets that differ only in vector width.
// Define LANES, TILE_ROWS, TILE_COLUMNS and a_stride, and include under the instruction set's target attribute.
#include "burn.h"
#include "depthwise.h"
#include "gather.h"
#include "store.h"
#include "tile.h"

static void gather_f32(const patch_source *source, size_t row, size_t rows, size_t k, size_t depth, void *a) {
    gather(source, row, rows, k, depth, a, operand_f32);
}

static void gather_rounded(const patch_source *source, size_t row, size_t rows, size_t k, size_t depth, void *a) {
    gather(source, row, rows, k, depth, a, operand_rounded);
}

static void tile_f32(const tile_job *job) { multiply_tile(multiply_f32, job); }

static void tile_widened(const tile_job *job) { multiply_tile(multiply_widened, job); }

static void fill_kernels(matrix_kernels *kernels, block_sizes blocks) {
    *kernels = (matrix_kernels){
        .f32 = {blocks, a_stride, sizeof(float), gather_f32, tile_f32, store, burn_f32},
        .bf16 = {blocks, a_stride, sizeof(float), gather_rounded, tile_widened, store, burn_f32},
        .depthwise = depthwise,
    };
}
