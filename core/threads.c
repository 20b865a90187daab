/* threads.c - the thread pool behind tc_parallel_for.
 *
 * One pool serves one parallel region at a time; a second caller, or a call from inside a region, runs inline at once
 * rather than wait. A region has n chunks and some tickets. Workers that are awake take a ticket, then chunks from a
 * counter until none is left. The caller works too, then withdraws the tickets that nobody took and waits for those who
 * are inside only: a worker that is slow to wake up never delays a small region.
 *
 * Fork: the child has no workers, and locks may be held by threads that it lacks. So the pool is one heap object, and
 * the child simply forgets it (a few hundred bytes) and makes another when it needs one. No lock is taken to fork. */
#include "internal.h"
#include "fpstate.h"

#include <stdatomic.h>
#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#include <time.h>
#endif

static void run_inline(int64_t n, int64_t grain, tc_range_fn fn, void *ctx)
{
    const fp_state saved = fp_enter();
    for (int64_t begin = 0; begin < n; begin += tc_min(grain, n - begin))
        fn(ctx, begin, begin + tc_min(grain, n - begin));
    fp_leave(saved);
}

#if defined(_WIN32)

/* No pthreads: everything runs on the caller's thread. */

void tc_parallel_for(int64_t n, int64_t grain, tc_range_fn fn, void *ctx)
{
    run_inline(n, tc_max(grain, 1), fn, ctx);
}

#else

/* ---- the pool ---- */

/* A worker that finds nothing to do watches for the next region this long before it sleeps: kernels of a training
 * step follow each other within tens of microseconds, about what waking a thread costs. */
enum { SPIN_NS = 50 * 1000 };

/* Kernels may keep small tiles on the stack; the same everywhere (musl would give 128 KiB, macOS 512). */
enum { STACK_BYTES = 2 * 1024 * 1024 };

/* pool.state: tickets left in the upper half, workers inside the region in the lower. */
#define TICKET ((uint64_t)1 << 32)
#define INSIDE (TICKET - 1)

typedef struct {
    atomic_bool busy;               /* a caller has claimed the pool */
    int workers;                    /* that exist; the claiming caller's to change, like asked */
    int asked;                      /* the most that creation was tried for */
    atomic_bool spin;               /* there is a CPU for each thread */

    /* The region. Written before the tickets are issued. */
    int64_t n, grain;
    tc_range_fn fn;
    void *ctx;
    _Alignas(64) atomic_int_fast64_t next;      /* the first chunk that nobody has taken */
    _Alignas(64) atomic_uint_fast64_t state;

    _Alignas(64) pthread_mutex_t mutex;         /* for going to sleep and waking, nothing else */
    pthread_cond_t wake;                        /* tickets were issued */
    pthread_cond_t done;                        /* nobody is inside any more */
    atomic_int sleepers;
    atomic_bool caller_sleeps;
} pool_t;

static _Atomic(pool_t *) the_pool;
/* This thread is running chunks. In a library that is loaded late, glibc would allocate the variable at each thread's first
 * use, and abort the process if that fails; the initial-exec model takes it from what every thread has (musl refuses that). */
#if defined(__GLIBC__)
__attribute__((tls_model("initial-exec")))
#endif
static _Thread_local bool in_region;

static void forget_pool(void)
{
    atomic_store(&the_pool, NULL);
}

static void register_fork_handler(void)
{
    pthread_atfork(NULL, NULL, forget_pool);
}

static void relax(void)
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

/* Spins until (state & mask) is zero, or is not zero (until_set); false if that took longer than SPIN_NS. */
static bool spin_on(pool_t *pool, uint64_t mask, bool until_set)
{
    if (!atomic_load_explicit(&pool->spin, memory_order_relaxed))
        return false;
    const int64_t end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 32; i++) {
            if (((atomic_load_explicit(&pool->state, memory_order_acquire) & mask) != 0) == until_set)
                return true;
            relax();
        }
    } while (now_ns() < end);
    return false;
}

static void run_chunks(pool_t *pool)
{
    const int64_t n = pool->n, grain = pool->grain, chunks = (n - 1) / grain + 1;
    int64_t chunk;
    while ((chunk = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < chunks) {
        const int64_t begin = chunk * grain;
        pool->fn(pool->ctx, begin, begin + tc_min(grain, n - begin));
    }
}

static bool take_ticket(pool_t *pool)
{
    uint_fast64_t state = atomic_load(&pool->state);
    while (state >= TICKET)
        if (atomic_compare_exchange_weak(&pool->state, &state, state - TICKET + 1))
            return true;
    return false;
}

/* Sleepers are counted before they look at the tickets for the last time, and the caller issues tickets before it
 * looks at the count (both sequentially consistent), so one of the two sees the other. Likewise in leave(). */
static void wait_for_ticket(pool_t *pool)
{
    while (spin_on(pool, ~INSIDE, true))
        if (take_ticket(pool))
            return;
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!take_ticket(pool))
        pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void leave(pool_t *pool)
{
    const uint_fast64_t before = atomic_fetch_sub(&pool->state, 1);
    if ((before & INSIDE) == 1 && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void *worker(void *arg)
{
    pool_t *pool = arg;
    in_region = true;
    fp_enter();
    for (;;) {
        wait_for_ticket(pool);
        run_chunks(pool);
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

/* Brings the pool to `wanted` workers, or to as many as the system grants; it is not asked twice for the same number. */
static void add_workers(pool_t *pool, int wanted)
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

static pool_t *get_pool(void)
{
    pool_t *pool = atomic_load(&the_pool);
    if (pool)
        return pool;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_fork_handler);
    void *memory;
    if (posix_memalign(&memory, 64, sizeof(pool_t)) != 0)
        return NULL;
    pool_t *made = memset(memory, 0, sizeof(pool_t));
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->wake, NULL);
    pthread_cond_init(&made->done, NULL);
    if (atomic_compare_exchange_strong(&the_pool, &pool, made))
        return made;
    free(made);     /* another thread was faster */
    return pool;
}

/* The pool, claimed for this caller and with workers; NULL if somebody else has it or there are none. */
static pool_t *claim_pool(int threads)
{
    pool_t *pool = get_pool();
    if (!pool || atomic_exchange(&pool->busy, true))
        return NULL;
    if (threads - 1 > pool->asked)
        add_workers(pool, threads - 1);
    if (pool->workers > 0)
        return pool;
    atomic_store(&pool->busy, false);
    return NULL;
}

static void open_region(pool_t *pool, int64_t tickets)
{
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store(&pool->state, (uint64_t)tickets * TICKET);
    int64_t asleep = atomic_load(&pool->sleepers);
    if (asleep > 0) {
        pthread_mutex_lock(&pool->mutex);
        for (; asleep > 0 && tickets > 0; asleep--, tickets--)
            pthread_cond_signal(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void close_region(pool_t *pool)
{
    atomic_fetch_and(&pool->state, INSIDE);     /* withdraw the tickets */
    if (spin_on(pool, INSIDE, false))
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->state) & INSIDE)
        pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

void tc_parallel_for(int64_t n, int64_t grain, tc_range_fn fn, void *ctx)
{
    grain = tc_max(grain, 1);
    const int threads = n > grain && !in_region ? tc_get_num_threads() : 1;
    pool_t *pool = threads > 1 ? claim_pool(threads) : NULL;
    if (!pool) {
        run_inline(n, grain, fn, ctx);
        return;
    }
    pool->n = n;
    pool->grain = grain;
    pool->fn = fn;
    pool->ctx = ctx;
    atomic_store_explicit(&pool->spin, threads <= tc_available_cpus(), memory_order_relaxed);
    const fp_state saved = fp_enter();
    in_region = true;
    open_region(pool, tc_min(tc_min(threads - 1, pool->workers), (n - 1) / grain));
    run_chunks(pool);
    close_region(pool);
    in_region = false;
    fp_leave(saved);
    atomic_store(&pool->busy, false);
}

#endif
