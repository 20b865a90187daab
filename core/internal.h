/* internal.h - what the C files share and Python never sees: the runtime's inner calls, and by kernels.h the tables. */
#ifndef TC_INTERNAL_H
#define TC_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core.h"
#include "fpstate.h"
#include "kernels.h"

/* A function that is part of every kernel that calls it, so that function parameters become code. (Where coverage is
 * measured it is one function, whose branches are counted once.) */
#if !defined(TC_INLINE)
#define TC_INLINE static inline __attribute__((always_inline, unused))
#endif

/* ---- alloc.c ---- */

/* Stands before what the thread pool asks of the system: whether that is to be refused (test builds, core_testing.h). */
#if !defined(TC_TESTING)
#define TC_POOL_REFUSED false
#endif

/* Bytes that a block of tc_alloc's was asked for. */
size_t tc_alloc_size(const void *memory);

/* Bytes of the block that tc_alloc gives for a request (of at most PTRDIFF_MAX / 2): it is rounded up. */
size_t tc_alloc_rounded(size_t bytes);

/* ---- threads.c ---- */

/* Calls fn(ctx, begin, end) for the chunks [0, grain), [grain, 2 grain), ... of [0, n), on the pool where that pays,
 * inline otherwise. The chunks depend on n and grain alone, so a result that is combined by chunk index in order does
 * not depend on the number of threads. Denormals are flushed while fn runs. Nested calls run inline. */
typedef void (*tc_range_fn)(void *ctx, int64_t begin, int64_t end);
void tc_parallel_for(int64_t n, int64_t grain, tc_range_fn fn, void *ctx);

/* The same for loops that move more than they compute: four chunks or fewer are one. What another core has written or read
 * must come from its cache, and may be written at a tenth of the speed; a short loop gains less than that costs. */
static inline void tc_parallel_stream(int64_t n, int64_t grain, tc_range_fn fn, void *ctx)
{
    tc_parallel_for(n, n <= 4 * grain ? n : grain, fn, ctx);
}

/* The pool whose region this thread works for, to compare; NULL outside of regions, and in a process forked from inside. */
const void *tc_pool_of_region(void);

/* In a library that is loaded late, glibc would allocate a thread's variable at the thread's first use, and abort the process
 * if that fails; the initial-exec model takes it from what every thread has (musl refuses that). */
#if defined(__GLIBC__)
#define TC_EARLY_TLS __attribute__((tls_model("initial-exec")))
#else
#define TC_EARLY_TLS
#endif

/* ---- stop.c ---- */

/* Of a thread: the flag of the call that it works for, NULL if that cannot be stopped; whether it is the one that asks; and the
 * floating-point state in which it was called. */
typedef struct {
    atomic_bool *stopped;
    bool asks;
    uint64_t outside;
} tc_stop_state;
TC_EARLY_TLS extern _Thread_local tc_stop_state tc_stop;

/* A call that may be stopped, from begin to end; end returns TC_ESTOPPED if it was, else `status`. */
typedef struct {
    tc_stop_state outer;
    atomic_bool stopped;
} tc_stoppable;
void tc_stoppable_begin(tc_stoppable *call);
int tc_stoppable_end(tc_stoppable *call, int status);

/* Whether to leave undone what is left, since nobody will look at the results. Regions look before each chunk; chunks that may
 * take long look between their pieces. */
bool tc_look_whether_stopped(void);
static inline bool tc_stopped(void)
{
    return tc_stop.stopped && tc_look_whether_stopped();
}

/* ---- cpus.c ---- */

/* CPUs that affinity and the cgroup quota (rounded up) give this process; at least 1. */
int tc_available_cpus(void);

/* CPUs' worth of quota of the groups that the file `membership` (/proc/self/cgroup) names below `root`
 * (/sys/fs/cgroup), v1 or v2, the least on the way up; 0 if there is no limit. */
double tc_cgroup_quota(const char *membership, const char *root);

/* The CPU that this thread runs on, -1 if the system does not say (4 ns). */
int tc_this_cpu(void);

/* Moves this thread to another of the CPUs that it may use, if there is one (30 us). */
void tc_leave_cpu(int cpu);

/* ---- small helpers ---- */

static inline int64_t tc_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t tc_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t tc_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Bytes of one element of a tc_dtype. */
static inline size_t tc_itemsize(int dtype)
{
    return dtype == TC_F32 || dtype == TC_I32 ? 4 : dtype == TC_F64 || dtype == TC_I64 ? 8 : 1;
}

/* Element k of float32 or float64 values, `otherwise` if there are none. */
static inline double tc_value_at(int dtype, const void *values, int64_t k, double otherwise)
{
    if (!values)
        return otherwise;
    return dtype == TC_F32 ? (double)((const float *)values)[k] : ((const double *)values)[k];
}

#endif
