/* threads.c - the thread pool behind tc_parallel_for.
 *
 * One pool serves one parallel region at a time; a second caller, or a call from inside a region, runs inline at once
 * rather than wait. A region has n chunks and some tickets. Workers that are awake take a ticket, then chunks until none
 * is left. The caller works too, then withdraws the tickets that nobody took and waits for those who are inside only: a
 * worker that is slow to wake up never delays a small region. How workers wait is in threads_worker.c.
 *
 * Each thread begins with its own lane, the same part of the whole in every region, and then helps the others from the
 * far ends of theirs: what it wrote in one operation it reads in the next, from its own cache. (Chunks for whoever came
 * first made two threads on arrays of 4 MiB four times slower than one, 18 GB/s against 74; with lanes they reach 138.)
 *
 * Fork: the child has no workers, and locks may be held by threads that it lacks. So the pool is one heap object, and
 * the child simply forgets it (20 KiB) and makes another when it needs one. No lock is taken to fork. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE     /* posix_memalign, in C11 */
#endif
#include "internal.h"

static void run_inline(int64_t n, int64_t grain, tc_range_fn fn, void *ctx)
{
    const fp_state saved = fp_enter();
    for (int64_t begin = 0; begin < n && !tc_stopped(); begin += tc_min(grain, n - begin))
        fn(ctx, begin, begin + tc_min(grain, n - begin));
    fp_leave(saved);
}

#if defined(_WIN32)

/* No pthreads: everything runs on the caller's thread. */

const void *tc_pool_of_region(void)
{
    return NULL;
}

void tc_parallel_for(int64_t n, int64_t grain, tc_range_fn fn, void *ctx)
{
    run_inline(n, tc_max(grain, 1), fn, ctx);
}

#else

#include "threads.h"

static _Atomic(tc_pool *) the_pool;

const void *tc_pool_of_region(void)
{
    return tc_in_region ? atomic_load(&the_pool) : NULL;
}

static void forget_pool(void)
{
    atomic_store(&the_pool, NULL);
}

static void register_fork_handler(void)
{
    pthread_atfork(NULL, NULL, forget_pool);
}

static tc_pool *get_pool(void)
{
    tc_pool *pool = atomic_load(&the_pool);
    if (pool)
        return pool;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_fork_handler);
    void *memory;
    if (TC_POOL_REFUSED || posix_memalign(&memory, 64, sizeof(tc_pool)) != 0)
        return NULL;
    tc_pool *made = memset(memory, 0, sizeof(tc_pool));
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->wake, NULL);
    pthread_cond_init(&made->done, NULL);
    if (atomic_compare_exchange_strong(&the_pool, &pool, made))
        return made;
    free(made);     /* another thread was faster */
    return pool;
}

/* The pool, claimed for this caller and with workers; NULL if somebody else has it or there are none. */
static tc_pool *claim_pool(int threads)
{
    tc_pool *pool = get_pool();
    if (!pool || atomic_exchange(&pool->busy, true))
        return NULL;
    if (threads - 1 > pool->asked)
        tc_pool_add_workers(pool, threads - 1);
    if (pool->workers > 0)
        return pool;
    atomic_store(&pool->busy, false);
    return NULL;
}

/* ---- whether to wake those who sleep ---- */

/* Waking a worker costs the caller 10 us, and it comes 50 us later: a region of two threads gains from 70 us on. */
enum { WAKE_NS = 70 * 1000, SIGNAL_NS = 10 * 1000 };

/* What the pool knows of regions like the one that is open: the same function and chunks took about as long before. */
static int64_t *time_of_kind(tc_pool *pool)
{
    uint64_t key = (uint64_t)(uintptr_t)pool->fn * 0x9e3779b97f4a7c15 ^ (uint64_t)pool->n;
    key = key * 0x9e3779b97f4a7c15 ^ (uint64_t)pool->grain;
    key *= 0x9e3779b97f4a7c15;
    const size_t slot = (key >> 32) % TC_KINDS;
    if (pool->kinds[slot].key != key) {
        pool->kinds[slot].key = key;
        pool->kinds[slot].ns = WAKE_NS;     /* not seen before: worth it */
    }
    return &pool->kinds[slot].ns;
}

/* The workers sleep, or some do. A region too short to wait for them runs without; but when several come in a row, as many
 * as would have paid for waking, then the next may be as near, and they are woken to be there for it. */
static void run_with_sleepers(tc_pool *pool)
{
    const int64_t begin = tc_now_ns();
    int64_t *known = time_of_kind(pool);
    if (begin - pool->ended > WAKE_NS)
        pool->missed = 0;
    const bool wake = *known + pool->missed >= WAKE_NS;
    if (wake)
        tc_pool_wake(pool, 1);      /* who wakes two more */
    tc_pool_run_chunks(pool, 0);
    pool->ended = tc_now_ns();
    const int64_t took = pool->ended - begin;
    pool->missed = wake ? 0 : pool->missed + took;
    *known = wake ? took - SIGNAL_NS : took;
}

/* ---- regions ---- */

static void open_lanes(tc_pool *pool, int lanes)
{
    const int64_t chunks = (pool->n - 1) / pool->grain + 1, each = chunks / lanes, more = chunks % lanes;
    pool->lanes = lanes;
    int64_t first = 0;
    for (int i = 0; i < lanes; i++) {
        const int64_t count = each + (i < more);
        atomic_store_explicit(&pool->lane[i].left, count, memory_order_relaxed);
        atomic_store_explicit(&pool->lane[i].first, first, memory_order_relaxed);
        first += count;
        atomic_store_explicit(&pool->lane[i].last, first - 1, memory_order_relaxed);
    }
}

static void close_region(tc_pool *pool)
{
    if (atomic_load(&the_pool) != pool)     /* forked meanwhile, by a handler of a signal: nobody is there to wait for */
        return;
    atomic_fetch_and(&pool->state, TC_INSIDE);     /* withdraw the tickets */
    if (tc_pool_watch(pool, TC_INSIDE, false, WAKE_NS))
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->state) & TC_INSIDE)
        pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

void tc_parallel_for(int64_t n, int64_t grain, tc_range_fn fn, void *ctx)
{
    grain = tc_max(grain, 1);
    const int threads = n > grain && !tc_in_region ? tc_get_num_threads() : 1;
    tc_pool *pool = threads > 1 ? claim_pool(threads) : NULL;
    if (!pool) {
        run_inline(n, grain, fn, ctx);
        return;
    }
    pool->n = n;
    pool->grain = grain;
    pool->fn = fn;
    pool->ctx = ctx;
    pool->stopped = tc_stop.stopped;
    atomic_store_explicit(&pool->cpu, tc_this_cpu(), memory_order_relaxed);
    atomic_store_explicit(&pool->spin, threads <= tc_available_cpus(), memory_order_relaxed);
    const fp_state saved = fp_enter();
    tc_in_region = true;
    const int64_t tickets = tc_min(tc_min(threads - 1, pool->workers), (n - 1) / grain);
    open_lanes(pool, (int)tickets + 1);
    atomic_store(&pool->state, (uint64_t)tickets * TC_TICKET);
    if (atomic_load(&pool->sleepers) > 0)
        run_with_sleepers(pool);
    else
        tc_pool_run_chunks(pool, 0);
    close_region(pool);
    tc_in_region = false;
    fp_leave(saved);
    atomic_store(&pool->busy, false);
}

#endif
