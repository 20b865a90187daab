/* threads.h - what the two halves of the thread pool share: threads.c (regions, for whoever calls) and threads_worker.c. */
#ifndef TC_THREADS_H
#define TC_THREADS_H

#include "internal.h"

#include <pthread.h>
#include <stdatomic.h>

/* pool.state: tickets left in the upper half, workers inside the region in the lower. */
#define TC_TICKET ((uint64_t)1 << 32)
#define TC_INSIDE (TC_TICKET - 1)

/* How many kinds of regions the pool remembers, and how many threads take part in one at most. */
enum { TC_KINDS = 128, TC_LANES = 256 };

/* A run of chunks that one thread begins with, from its first on; others help from its last on. */
typedef struct {
    _Alignas(64) atomic_int_fast64_t left;      /* chunks that nobody has claimed, negative after vain attempts */
    atomic_int_fast64_t first, last;            /* the next for the one, for the others */
} tc_lane;

typedef struct {
    atomic_bool busy;               /* a caller has claimed the pool; the next members are its own to change */
    int workers;                    /* that exist */
    int asked;                      /* the most that creation was tried for */
    struct {
        uint64_t key;
        int64_t ns;                 /* how long such a region took, less what waking costs */
    } kinds[TC_KINDS];
    int64_t ended;                  /* when the last region ended that met sleepers */
    int64_t missed;                 /* nanoseconds of such regions in a row that ran without them */
    atomic_bool spin;               /* there is a CPU for each thread */

    /* The region. Written before the tickets are issued. */
    int64_t n, grain;
    tc_range_fn fn;
    void *ctx;
    atomic_bool *stopped;           /* of the caller's tc_stop */
    int lanes;
    atomic_int cpu;                 /* where the caller runs, or -1 */
    _Alignas(64) atomic_uint_fast64_t state;

    _Alignas(64) pthread_mutex_t mutex;         /* for going to sleep and waking, nothing else */
    pthread_cond_t wake;                        /* tickets were issued */
    pthread_cond_t done;                        /* nobody is inside any more */
    atomic_int sleepers;
    atomic_bool caller_sleeps;
    atomic_int numbered;                        /* workers that know their number */
    tc_lane lane[TC_LANES];
} tc_pool;

/* This thread is running chunks. */
TC_EARLY_TLS extern _Thread_local bool tc_in_region;

/* Brings the pool to `wanted` workers, or to as many as the system grants; it is not asked twice for the same number. */
void tc_pool_add_workers(tc_pool *pool, int wanted);

/* Wakes `count` of the workers that sleep, if there are as many. */
void tc_pool_wake(tc_pool *pool, int count);

/* Runs the chunks of a lane, then what is left of the others. Thread 0 is the caller, the workers count from 1. */
void tc_pool_run_chunks(tc_pool *pool, int thread);

/* Watches until (state & mask) is zero, or is not zero (until_set); false if that took longer than `limit` ns. */
bool tc_pool_watch(tc_pool *pool, uint64_t mask, bool until_set, int64_t limit);

int64_t tc_now_ns(void);

#endif
