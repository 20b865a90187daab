/* stop.c - leaving a long call half way, when a handler of a signal raises.
 *
 * A product of large matrices takes minutes, in which Python could not run the handler of a signal. So the thread that
 * called asks now and then, between two pieces of work, whether to go on: the function that it asks takes the GIL, and
 * handlers run. If it says no, the flag of the call is set, every thread that works for the call skips the pieces that are
 * left, and the call returns in the ordinary way, with its memory freed and TC_ESTOPPED.
 *
 * What is half written then is an output that nobody has seen yet. So only functions that fill new memory can be stopped;
 * steps of optimizers and operations in place run to their end, which is a matter of memory's speed. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE     /* CLOCK_MONOTONIC_COARSE, in C11 */
#endif
#include "internal.h"
#include "fpstate.h"

TC_EARLY_TLS _Thread_local tc_stop_state tc_stop;

#if defined(_WIN32)

void tc_set_asked(int (*asked)(void), uintptr_t thread)
{
    (void)asked;
    (void)thread;
}

void tc_stoppable_begin(tc_stoppable *call)
{
    (void)call;
}

int tc_stoppable_end(tc_stoppable *call, int status)
{
    (void)call;
    return status;
}

bool tc_look_whether_stopped(void)
{
    return false;
}

#else

#include <pthread.h>
#include <time.h>

/* How long nobody asks: a handler runs that much later at most, and taking the GIL (2 us where nobody else has it) costs a
 * 25,000th. */
enum { PAUSE_NS = 50 * 1000 * 1000 };

/* Enough for that, and six times as quick as the exact clock. */
#if defined(CLOCK_MONOTONIC_COARSE)
#define COARSE CLOCK_MONOTONIC_COARSE
#else
#define COARSE CLOCK_MONOTONIC
#endif

typedef int (*asked_function)(void);
static _Atomic(asked_function) asked_fn;
static atomic_uintptr_t asked_thread;

void tc_set_asked(int (*asked)(void), uintptr_t thread)
{
    atomic_store(&asked_thread, thread);
    atomic_store(&asked_fn, asked);
}

void tc_stoppable_begin(tc_stoppable *call)
{
    call->outer = tc_stop;
    atomic_init(&call->stopped, false);
    if (atomic_load_explicit(&asked_fn, memory_order_relaxed) &&
        atomic_load_explicit(&asked_thread, memory_order_relaxed) == (uintptr_t)pthread_self())
        tc_stop = (tc_stop_state){.stopped = &call->stopped, .asks = true, .outside = fp_read()};
}

int tc_stoppable_end(tc_stoppable *call, int status)
{
    tc_stop = call->outer;
    return atomic_load(&call->stopped) ? TC_ESTOPPED : status;
}

/* Handlers are programs like any other: they see the caller's floating-point state, and may call kernels, which this call's
 * flag does not concern. A process that a handler has forked lacks the threads that work for this call, so it stops. */
static bool ask(void)
{
    static _Thread_local int64_t last;
    struct timespec time;
    clock_gettime(COARSE, &time);
    const int64_t now = time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
    if (now - last < PAUSE_NS)
        return false;
    last = now;
    const tc_stop_state call = tc_stop;
    const void *pool = tc_pool_of_region();
    const fp_state inside = fp_read();
    tc_stop = (tc_stop_state){0};
    fp_leave((fp_state)call.outside);
    const bool stop = atomic_load(&asked_fn)() != 0 || tc_pool_of_region() != pool;
    fp_leave(inside);
    tc_stop = call;
    if (stop)
        atomic_store(call.stopped, true);
    return stop;
}

bool tc_look_whether_stopped(void)
{
    return atomic_load_explicit(tc_stop.stopped, memory_order_relaxed) || (tc_stop.asks && ask());
}

#endif
