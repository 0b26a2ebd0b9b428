// The thread pool. The calling thread works too, as thread 0. Idle workers spin for a few tens of microseconds, the gap
// between two kernels of a model, and then sleep.
#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "include/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpus.h"
#include "numbers.h"

enum { most_threads = 256, spins = 4000 };

typedef struct {
    void *memory;
    size_t bytes;
} scratch;

/// The job that runs. Its fields are written while the gate is closed and read by those who passed it.
static struct {
    lz_task task;
    void *context;
    size_t count, grain;
    _Atomic size_t next;  // first item that nobody took
    const lz_flag *stop;  // the caller's; NULL where it watches none
} job;

struct lz_flag {
    _Atomic bool set;
};

static _Thread_local const lz_flag *watched;  // of a caller, or of the job that a worker is in
static _Atomic uint64_t pieces_done;

static pthread_mutex_t callers = PTHREAD_MUTEX_INITIALIZER;  // one job at a time
static pthread_once_t once = PTHREAD_ONCE_INIT;
static size_t thread_count;  // 0: not yet known
static pthread_t workers[most_threads];
static size_t worker_count;  // running workers, at most thread_count − 1
static scratch scratches[most_threads];

// The gate counts the workers inside the job; `open` is set while more may enter. A worker that wakes too late finds
// the gate closed and the caller never waits for it.
enum { open = 1 << 16 };
static _Atomic unsigned gate;
static _Atomic unsigned generation;  // counts jobs, so that workers see a new one
static _Atomic bool stopping;
static _Atomic unsigned sleepers;  // workers asleep or about to be
static _Atomic bool caller_sleeps;
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_came = PTHREAD_COND_INITIALIZER, work_ended = PTHREAD_COND_INITIALIZER;

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

bool lz_abandoned(void) { return watched != NULL && atomic_load_explicit(&watched->set, memory_order_relaxed); }

static void run_pieces(size_t thread) {
    while (!lz_abandoned()) {
        const size_t begin = atomic_fetch_add_explicit(&job.next, job.grain, memory_order_relaxed);
        if (begin >= job.count) return;
        job.task(job.context, begin, begin + smaller(job.grain, job.count - begin), thread);
        atomic_fetch_add_explicit(&pieces_done, 1, memory_order_relaxed);
    }
}

static bool enter(void) {
    unsigned seen = atomic_load(&gate);
    while (seen & open) {
        if (atomic_compare_exchange_weak(&gate, &seen, seen + 1)) return true;
    }
    return false;
}

static void leave(void) {
    if (atomic_fetch_sub(&gate, 1) == 1 && atomic_load(&caller_sleeps)) {
        pthread_mutex_lock(&sleep_lock);
        pthread_cond_signal(&work_ended);
        pthread_mutex_unlock(&sleep_lock);
    }
}

/// Waits until the generation is no longer `seen`.
static void await_work(unsigned seen) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&generation, memory_order_acquire) != seen) return;
        pause_briefly();
    }
    pthread_mutex_lock(&sleep_lock);
    atomic_fetch_add(&sleepers, 1);
    while (atomic_load(&generation) == seen) pthread_cond_wait(&work_came, &sleep_lock);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&sleep_lock);
}

static void wake_workers(void) {
    atomic_fetch_add(&generation, 1);
    if (atomic_load(&sleepers) == 0) return;
    pthread_mutex_lock(&sleep_lock);
    pthread_cond_broadcast(&work_came);
    pthread_mutex_unlock(&sleep_lock);
}

static void await_workers(void) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load(&gate) == 0) return;
        pause_briefly();
    }
    pthread_mutex_lock(&sleep_lock);
    atomic_store(&caller_sleeps, true);
    while (atomic_load(&gate) != 0) pthread_cond_wait(&work_ended, &sleep_lock);
    atomic_store(&caller_sleeps, false);
    pthread_mutex_unlock(&sleep_lock);
}

static void *work(void *argument) {
    const size_t thread = (size_t)argument;
#if defined(__linux__)
    char name[16];
    snprintf(name, sizeof name, "kernels-%u", (unsigned)thread % 1000);
    pthread_setname_np(pthread_self(), name);
#endif
    // A worker started for generation g may enter that job at once: the gate tells whether it is still open.
    for (unsigned seen = atomic_load(&generation);; seen = atomic_load(&generation)) {
        if (atomic_load(&stopping)) return NULL;
        if (enter()) {
            watched = job.stop;
            run_pieces(thread);
            watched = NULL;
            leave();
        }
        await_work(seen);
    }
}

/// Starts the workers that are missing. Those that the system refuses are done without.
static void start_workers(void) {
    if (worker_count + 1 >= thread_count) return;
    // Signals are the daemon's business, never a worker's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (worker_count + 1 < thread_count) {
        if (pthread_create(&workers[worker_count], NULL, work, (void *)(worker_count + 1)) != 0) break;
        worker_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void stop_workers(void) {
    atomic_store(&stopping, true);
    wake_workers();
    for (size_t i = 0; i < worker_count; i++) pthread_join(workers[i], NULL);
    worker_count = 0;
    atomic_store(&stopping, false);
}

static void count_cpus(void) { thread_count = smaller(lz_usable_cpus(), most_threads); }

size_t lz_thread_count(void) {
    pthread_once(&once, count_cpus);
    return thread_count;
}

void lz_set_thread_count(size_t count) {
    pthread_once(&once, count_cpus);
    pthread_mutex_lock(&callers);
    stop_workers();
    thread_count = smaller(larger(count, 1), most_threads);
    pthread_mutex_unlock(&callers);
}

void lz_parallel(size_t count, size_t grain, lz_task task, void *context) {
    if (count == 0 || lz_abandoned()) return;
    pthread_once(&once, count_cpus);
    pthread_mutex_lock(&callers);
    job.stop = watched;
    job.task = task;
    job.context = context;
    job.count = count;
    job.grain = larger(grain, 1);
    atomic_store(&job.next, 0);
    if (thread_count == 1 || count <= job.grain) {
        run_pieces(0);
    } else {
        start_workers();
        atomic_store(&gate, open);
        wake_workers();
        run_pieces(0);
        atomic_fetch_and(&gate, ~(unsigned)open);
        await_workers();
    }
    pthread_mutex_unlock(&callers);
}

lz_flag *lz_flag_create(void) { return calloc(1, sizeof(lz_flag)); }
void lz_flag_free(lz_flag *flag) { free(flag); }
void lz_flag_set(lz_flag *flag, bool set) { atomic_store(&flag->set, set); }
bool lz_flag_is_set(const lz_flag *flag) { return atomic_load(&flag->set); }
const lz_flag *lz_watch(const lz_flag *flag) {
    const lz_flag *before = watched;
    watched = flag;
    return before;
}

bool lz_goes_on(void) {
    atomic_fetch_add_explicit(&pieces_done, 1, memory_order_relaxed);
    return !lz_abandoned();
}

uint64_t lz_pieces_done(void) { return atomic_load_explicit(&pieces_done, memory_order_relaxed); }

void *lz_scratch(size_t thread, size_t bytes) {
    scratch *own = &scratches[thread];
    if (own->bytes < bytes) {
        free(own->memory);
        own->bytes = round_up(bytes, 4096);
        own->memory = aligned_alloc(4096, own->bytes);
        if (own->memory == NULL) own->bytes = 0;
    }
    return own->memory;
}

void lz_release_scratch(void) {
    pthread_mutex_lock(&callers);
    for (size_t i = 0; i < most_threads; i++) {
        free(scratches[i].memory);
        scratches[i] = (scratch){0};
    }
    pthread_mutex_unlock(&callers);
}
