// Speed of matrix products and convolutions at the shapes of Stable Diffusion 1.5, in GFLOP/s and percent of this CPU's
// measured peak:
//
//     clang -O2 -I Sources/CKernels/include Benchmarks/kernels/products.c Sources/CKernels/*.c Sources/CKernels/*/*.c \
//         -lm -lpthread -o /tmp/products && /tmp/products [threads]
//
// With one thread its CPU time counts, so that other load on the machine matters little; with more, the wall clock.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "CKernels.h"

typedef struct {
    const char *name;
    lz_dtype type;
    bool is_matrix;
    lz_convolution shape;
} benchmark;

#define MATRIX(type, m, k, n)                                                                               \
    {"product " #m "x" #k "x" #n " " #type, LZ_##type, true,                                                \
     {.batch = 1, .height = 1, .width = m, .in_channels = k, .out_channels = n, .kernel_height = 1,         \
      .kernel_width = 1, .stride = 1, .upsample = 1}}
#define CONVOLUTION(type, size, i, o, kernel, step, up)                                                     \
    {"conv " #kernel "x" #kernel " " #i "->" #o " @" #size " stride " #step " upsample " #up " " #type,        \
     LZ_##type, false,                                                                                      \
     {.batch = 1, .height = size, .width = size, .in_channels = i, .out_channels = o, .kernel_height = kernel, \
      .kernel_width = kernel, .stride = step, .pad_top = kernel / 2, .pad_left = kernel / 2,                \
      .pad_bottom = kernel / 2, .pad_right = kernel / 2, .upsample = up}}

static const benchmark benchmarks[] = {
    // The required figures.
    MATRIX(BF16, 4096, 320, 2560), MATRIX(BF16, 4096, 4096, 4096),
    CONVOLUTION(BF16, 64, 320, 320, 3, 1, 1), CONVOLUTION(BF16, 512, 128, 128, 3, 1, 1),
    // The UNet.
    MATRIX(BF16, 4096, 320, 320), MATRIX(BF16, 4096, 1280, 320), MATRIX(BF16, 1024, 640, 5120),
    MATRIX(BF16, 256, 1280, 10240), MATRIX(BF16, 77, 768, 768), MATRIX(BF16, 64, 1280, 1280),
    CONVOLUTION(BF16, 64, 4, 320, 3, 1, 1), CONVOLUTION(BF16, 64, 960, 320, 3, 1, 1),
    CONVOLUTION(BF16, 64, 320, 320, 3, 2, 1), CONVOLUTION(BF16, 64, 320, 320, 1, 1, 1),
    CONVOLUTION(BF16, 32, 640, 640, 3, 1, 1), CONVOLUTION(BF16, 16, 1280, 1280, 3, 1, 1),
    CONVOLUTION(BF16, 8, 1280, 1280, 3, 1, 1), CONVOLUTION(BF16, 8, 2560, 1280, 3, 1, 1),
    CONVOLUTION(BF16, 8, 1280, 1280, 3, 1, 2), CONVOLUTION(BF16, 64, 320, 4, 3, 1, 1),
    // The decoder of the autoencoder.
    CONVOLUTION(BF16, 64, 512, 512, 3, 1, 1), CONVOLUTION(BF16, 128, 512, 512, 3, 1, 1),
    CONVOLUTION(BF16, 256, 512, 256, 3, 1, 1), CONVOLUTION(BF16, 256, 256, 256, 3, 1, 1),
    CONVOLUTION(BF16, 512, 256, 128, 3, 1, 1), CONVOLUTION(BF16, 512, 128, 3, 3, 1, 1),
    // Single precision.
    MATRIX(F32, 4096, 320, 2560), MATRIX(F32, 1024, 1024, 1024), MATRIX(F32, 77, 768, 3072),
    CONVOLUTION(F32, 64, 320, 320, 3, 1, 1), CONVOLUTION(F32, 16, 1280, 1280, 3, 1, 1),
    CONVOLUTION(F32, 128, 128, 128, 3, 1, 1),
    // Few rows: bound by the memory that the weights come from.
    MATRIX(BF16, 1, 2048, 8192), MATRIX(BF16, 4, 2048, 8192), MATRIX(BF16, 8, 2048, 8192),
    MATRIX(F32, 1, 2048, 8192), MATRIX(BF16, 1, 576, 1536),
};

static size_t threads = 1;

static double now(void) {
    struct timespec time;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/// Ordinary numbers: ±1 ..< 2, of which a bf16 is the upper half.
static void *filled(size_t count, lz_dtype type) {
    uint32_t *memory = malloc(count * 4 + 4);
    for (size_t i = 0; memory != NULL && i < count; i++) {
        const uint32_t bits = 0x3f800000u | ((uint32_t)i * 2654435761u & 0x807f0000u);
        if (type == LZ_F32) {
            memory[i] = bits;
        } else {
            ((uint16_t *)memory)[i] = (uint16_t)(bits >> 16);
        }
    }
    return memory;
}

static void run(const benchmark *test, const void *x, const lz_packed *weights, void *y) {
    const lz_convolution *shape = &test->shape;
    if (test->is_matrix) {
        lz_matmul(shape->width, x, test->type, shape->in_channels, weights, y, test->type, shape->out_channels, NULL);
    } else {
        lz_convolve(shape, x, test->type, shape->in_channels, weights, y, test->type, shape->out_channels, NULL);
    }
}

/// Prints the best of at least 3 runs and half a second.
static void measure(const benchmark *test) {
    const lz_convolution *s = &test->shape;
    const size_t pixels = lz_convolution_out_height(s) * lz_convolution_out_width(s);
    const size_t k = s->in_channels * s->kernel_height * s->kernel_width;
    void *w = filled(s->out_channels * k, test->type), *x = filled(s->height * s->width * s->in_channels, test->type);
    void *y = filled(pixels * s->out_channels, test->type);
    lz_packed *packed = lz_pack_convolution(w, test->type, s->out_channels, s->in_channels, s->kernel_height,
                                            s->kernel_width, test->type);
    free(w);
    double best = 1e9, total = 0;
    run(test, x, packed, y);
    for (int i = 0; i < 3 || total < 0.5; i++) {
        const double start = now();
        run(test, x, packed, y);
        const double taken = now() - start;
        total += taken;
        if (taken < best) best = taken;
    }
    const double operations = 2.0 * (double)pixels * (double)s->out_channels * (double)k;
    const double peak = lz_measure_peak(test->type, threads), rate = operations / best * 1e-9;
    printf("%-58s %9.3f ms %8.1f GFLOP/s %5.1f %% of %.0f %7.1f GB/s of weights\n", test->name, best * 1e3, rate,
           100 * rate / peak, peak, (double)lz_packed_bytes(packed) / best * 1e-9);
    lz_packed_free(packed);
    free(x);
    free(y);
}

int main(int count, char **arguments) {
    if (count > 1) threads = (size_t)strtoul(arguments[1], NULL, 10);
    lz_set_thread_count(threads);
    printf("table %s, %zu threads\n", lz_kernels_name(), threads);
    for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) measure(&benchmarks[i]);
    return 0;
}
