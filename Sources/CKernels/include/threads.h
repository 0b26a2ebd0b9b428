// The one thread pool. Work is split over outputs only, so that no result depends on the number of threads.
#ifndef LAZULI_THREADS_H
#define LAZULI_THREADS_H

#include "types.h"

/// One piece of work: items [begin, end) of `count`, on worker `thread` (0 ..< lz_thread_count()).
typedef void (*lz_task)(void *context, size_t begin, size_t end, size_t thread);

/// Threads in use: min(CPU affinity, floor of the cgroup v1/v2 quota, at least 1), or what lz_set_thread_count said.
size_t lz_thread_count(void);
/// Changes the number of threads (clamped to 1...256). Not to be called while work runs.
void lz_set_thread_count(size_t count);
/// Runs `task` over 0 ..< count in pieces of `grain` items (the last may be short); returns when all are done.
/// Pieces are handed out dynamically; none once the caller's work is abandoned (lz_watch). May be called from any thread; concurrent calls are serialised. Not reentrant.
void lz_parallel(size_t count, size_t grain, lz_task task, void *context);
/// A flag by which one thread tells another that its work is no longer wanted.
typedef struct lz_flag lz_flag;
lz_flag *lz_flag_create(void);  ///< not set; NULL if out of memory
void lz_flag_free(lz_flag *flag);
void lz_flag_set(lz_flag *flag, bool set);
bool lz_flag_is_set(const lz_flag *flag);
/// From now on, while `flag` is set, every kernel that the calling thread calls returns at once, between two pieces of
/// work if it has begun: what it should have written is then undefined. NULL: watches none. The flag outlives the watch.
/// Returns the flag that was watched before.
const lz_flag *lz_watch(const lz_flag *flag);
/// Whether the flag that this thread watches is set; in a task, that of the thread which called lz_parallel. Cheap.
bool lz_abandoned(void);
/// For long loops that are no kernels: counts a piece of work as done and tells whether the next one is wanted.
bool lz_goes_on(void);
/// Pieces of work done by this process. One that stands still while a thread computes tells that it is stuck.
uint64_t lz_pieces_done(void);

/// Scratch memory of `thread`, at least `bytes`, 64-byte aligned, kept until the next larger request. NULL if out of
/// memory.
void *lz_scratch(size_t thread, size_t bytes);
/// Frees all scratch memory. Not to be called while work runs.
void lz_release_scratch(void);

/// CPUs that the control groups of `membership` (/proc/self/cgroup) grant under `mount` (/sys/fs/cgroup): the least
/// quota ÷ period from the process's own group up to the root, of v1 and v2. INFINITY without a quota. For status and
/// tests.
double lz_cpu_quota(const char *membership, const char *mount);

#endif
