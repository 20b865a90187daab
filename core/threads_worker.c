/* threads_worker.c - the threads of the pool: how they wait for a region, take part in it, and come to be. */
#if !defined(_WIN32)
#include "threads.h"
#include "fpstate.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

/* A worker that finds nothing to do watches for the next region this long before it sleeps. Between two kernels of a
 * training step lie 20 to 200 us of Python; waking a thread costs the caller about 10 us and the thread comes 50 us later.
 * A step of ResNet-20 woke its worker 137 times after 50 us of watching, a tenth of that after 300. */
enum { WATCH_NS = 300 * 1000 };

/* From then on it lets others run in between: it may be the caller itself that waits for this CPU. */
enum { YIELD_NS = 20 * 1000 };

/* Kernels may keep small tiles on the stack; the same everywhere (musl would give 128 KiB, macOS 512). */
enum { STACK_BYTES = 2 * 1024 * 1024 };

_Thread_local bool tc_in_region;

static void relax(void)
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int64_t tc_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

bool tc_pool_watch(tc_pool *pool, uint64_t mask, bool until_set, int64_t limit, bool yield)
{
    if (!atomic_load_explicit(&pool->spin, memory_order_relaxed))
        return false;
    const int64_t begin = tc_now_ns();
    int64_t passed = 0;
    do {
        for (int i = 0; i < 32; i++) {
            if (((atomic_load_explicit(&pool->state, memory_order_acquire) & mask) != 0) == until_set)
                return true;
            relax();
        }
        if (yield && passed > YIELD_NS)
            sched_yield();
        passed = tc_now_ns() - begin;
    } while (passed < limit);
    return false;
}

/* Who has claimed one of what is left takes the next from its side: the sides cannot cross. */
static void run_lane(tc_pool *pool, tc_lane *lane, bool own)
{
    const int64_t n = pool->n, grain = pool->grain;
    while (atomic_load_explicit(&lane->left, memory_order_relaxed) > 0 &&
           atomic_fetch_sub_explicit(&lane->left, 1, memory_order_relaxed) > 0) {
        const int64_t chunk = own ? atomic_fetch_add_explicit(&lane->first, 1, memory_order_relaxed)
                                  : atomic_fetch_sub_explicit(&lane->last, 1, memory_order_relaxed);
        pool->fn(pool->ctx, chunk * grain, chunk * grain + tc_min(grain, n - chunk * grain));
    }
}

void tc_pool_run_chunks(tc_pool *pool, int thread)
{
    for (int i = 0; i < pool->lanes; i++)
        run_lane(pool, &pool->lane[(thread + i) % pool->lanes], i == 0);
}

static bool take_ticket(tc_pool *pool)
{
    uint_fast64_t state = atomic_load(&pool->state);
    while (state >= TC_TICKET)
        if (atomic_compare_exchange_weak(&pool->state, &state, state - TC_TICKET + 1))
            return true;
    return false;
}

/* Who wakes takes the lock after the tickets are out, so that a sleeper has either seen them or waits for the signal; the
 * signal itself comes after, else the one it wakes would run into the lock. */
void tc_pool_wake(tc_pool *pool, int count)
{
    pthread_mutex_lock(&pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    for (; count > 0; count--)
        pthread_cond_signal(&pool->wake);
}

/* Sleepers are counted before they look at the tickets for the last time, and the caller issues tickets before it
 * looks at the count (both sequentially consistent), so one of the two sees the other. Likewise in leave().
 * A worker that is woken too late for its region stays to watch for the next. */
static bool sleep_for_ticket(tc_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    bool taken = take_ticket(pool);
    if (!taken) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
        taken = take_ticket(pool);
    }
    const bool others = atomic_fetch_sub(&pool->sleepers, 1) > 1;
    pthread_mutex_unlock(&pool->mutex);
    /* The caller woke one; each wakes two more, so that many are awake after a few steps. */
    if (taken && others && atomic_load(&pool->state) >= TC_TICKET)
        tc_pool_wake(pool, 2);
    return taken;
}

static void wait_for_ticket(tc_pool *pool)
{
    do {
        while (tc_pool_watch(pool, ~TC_INSIDE, true, WATCH_NS, true))
            if (take_ticket(pool))
                return;
    } while (!sleep_for_ticket(pool));
}

static void leave(tc_pool *pool)
{
    const uint_fast64_t before = atomic_fetch_sub(&pool->state, 1);
    if ((before & TC_INSIDE) == 1 && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void *worker(void *arg)
{
    tc_pool *pool = arg;
    const int number = atomic_fetch_add(&pool->numbered, 1) + 1;
    tc_in_region = true;
    fp_enter();
    for (;;) {
        wait_for_ticket(pool);
        tc_pool_run_chunks(pool, number);
        leave(pool);
    }
    return NULL;
}

/* Signals are for the program's own threads: a worker starts with all blocked but those that a fault of its own raises. */
static void block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++)
        sigdelset(&all, FAULTS[i]);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

void tc_pool_add_workers(tc_pool *pool, int wanted)
{
    sigset_t before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    block_signals(&before);
    pthread_t thread;
    while (pool->workers < wanted && pthread_create(&thread, &attributes, worker, pool) == 0)
        pool->workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    pool->asked = wanted;
}

#else

typedef int tc_no_threads_here;     /* ISO C wants a declaration */

#endif
