// What the C library's allocator offers beyond malloc and free.
#ifndef LAZULI_MEMORY_H
#define LAZULI_MEMORY_H

/// Hands free heap pages back to the system where the C library can (glibc); elsewhere does nothing.
void lz_return_free_memory(void);

#endif
