// What this CPU can do at most, as the yardstick of every speed figure.
#include <time.h>

#include "include/dispatch.h"
#include "include/threads.h"
#include "numbers.h"
#include "table.h"

typedef struct {
    double (*burn)(size_t iterations);
    size_t iterations;
    double operations[256];  // per piece
} burning;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void burn_pieces(void *context, size_t begin, size_t end, size_t thread) {
    (void)thread;
    burning *work = context;
    for (size_t i = begin; i < end; i++) work->operations[i] = work->burn(work->iterations);
}

/// GFLOP/s of one run of `pieces` equal pieces.
static double rate(burning *work, size_t pieces) {
    const double start = now();
    lz_parallel(pieces, 1, burn_pieces, work);
    const double seconds = now() - start;
    double operations = 0;
    for (size_t i = 0; i < pieces; i++) operations += work->operations[i];
    return operations / seconds * 1e-9;
}

double lz_measure_peak(lz_dtype type, size_t threads) {
    const matrix_kernels *kernels = &lz_table()->matrix;
    burning work = {.burn = type == LZ_F32 ? kernels->f32.burn : kernels->bf16.burn, .iterations = 1000};
    const size_t pieces = smaller(larger(threads, 1), smaller(lz_thread_count(), 256));
    double best = 0;
    // The first rounds find how many iterations take a millisecond; the best of the others counts, as noise only slows.
    for (double until = now() + 0.2; now() < until;) {
        const double start = now();
        const double found = rate(&work, pieces);
        if (now() - start < 0.001) {
            work.iterations *= 2;
        } else if (found > best) {
            best = found;
        }
    }
    return best;
}
