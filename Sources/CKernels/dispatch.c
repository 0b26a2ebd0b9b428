// Chooses the kernels once, at first use.
#include "include/dispatch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static kernel_table tables[4];  // worst first
static size_t table_count;
static _Atomic(const kernel_table *) current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static kernel_table *add_table(const char *isa) {
    kernel_table *table = &tables[table_count++];
    table->isa = isa;
    lz_matrix_kernels_reference(&table->matrix);
    lz_vector_kernels_reference(&table->vector);
    return table;
}

#if defined(__x86_64__)
static void add_tables_of_cpu(void) {
    __builtin_cpu_init();
    // Intel from Haswell (2013), AMD from Excavator (2015) and Zen (2017).
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c")) return;
    kernel_table *avx2 = add_table("avx2");
    lz_matrix_kernels_avx2(&avx2->matrix);
    lz_vector_kernels_avx2(&avx2->vector);
    // Intel Skylake-X (2017) and Ice Lake (2019) servers, AMD from Zen 4 (2022). Not Intel's hybrid desktops.
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) return;
    kernel_table *avx512 = add_table("avx512");
    avx512->bf16 = __builtin_cpu_supports("avx512bf16");  // Cooper Lake (2020), Sapphire Rapids (2023), Zen 4
    avx512->int8 = __builtin_cpu_supports("avx512vnni");  // Cascade Lake (2019), Ice Lake, Zen 4
    lz_matrix_kernels_avx512(&avx512->matrix);
    lz_vector_kernels_avx512(&avx512->vector);
}
#elif defined(__aarch64__)
static void add_tables_of_cpu(void) {
    // Every 64-bit ARM has Advanced SIMD: Raspberry Pi 3 and later, Graviton, Ampere, Apple silicon.
    kernel_table *neon = add_table("neon");
    lz_matrix_kernels_neon(&neon->matrix);
    lz_vector_kernels_neon(&neon->vector);
}
#else
static void add_tables_of_cpu(void) {}
#endif

static bool select_table(const char *name) {
    for (size_t i = 0; i < table_count; i++) {
        if (strcmp(tables[i].isa, name) == 0) {
            atomic_store(&current, &tables[i]);
            return true;
        }
    }
    return false;
}

static void start(void) {
    add_table("reference");
    add_tables_of_cpu();
    const char *wanted = getenv("LAZULI_KERNELS");
    if (wanted == NULL || !select_table(wanted)) atomic_store(&current, &tables[table_count - 1]);
}

const kernel_table *lz_table(void) {
    pthread_once(&once, start);
    return atomic_load(&current);
}

const char *lz_kernels_name(void) { return lz_table()->isa; }

bool lz_select_kernels(const char *name) {
    pthread_once(&once, start);
    return select_table(name);
}

bool lz_has_bf16(void) { return lz_table()->bf16; }

bool lz_has_int8(void) { return lz_table()->int8; }
