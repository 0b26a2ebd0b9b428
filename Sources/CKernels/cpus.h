// How many threads this process may keep busy.
#ifndef LAZULI_CPUS_H
#define LAZULI_CPUS_H

#include <stddef.h>

/// CPUs of the affinity mask, less where a control group grants less time; at least 1.
size_t lz_usable_cpus(void);

#endif
