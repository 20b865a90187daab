/* threads_worker.c - the threads of the pool: how they wait for a region, take part in it, and come to be. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE     /* sigfillset and clocks, in C11 */
#endif
#if !defined(_WIN32)
#include "threads.h"

#include <signal.h>
#include <time.h>

/* A worker that finds nothing to do watches for the next region this long before it sleeps. Between two kernels of a
 * training step lie 20 to 200 us of Python; waking a thread costs the caller about 10 us and the thread comes 50 us later.
 * A step of ResNet-20 woke its worker 137 times after 50 us of watching, a tenth of that after 300.
 * It does not yield meanwhile: the system may give all that a thread has left to a program of the lowest priority, which is
 * milliseconds (Linux 6.18). */
enum { BRIEF_NS = 20 * 1000, WATCH_NS = 300 * 1000 };

/* Other programs may want the CPU as much. Then a worker is stopped amid a chunk, the caller waits for it, and one thread
 * alone is faster. So a worker keeps account of the time that it was ready but did not run, less a tenth of all time, and
 * from 4 ms on it stays away for 200. (Programs of low priority get less than the tenth. What takes more than 20 ms is not
 * another's turn: the process was stopped.) */
enum { TENTH = 10, KEPT_NS = 4 * 1000 * 1000, TURN_NS = 20 * 1000 * 1000, AWAY_NS = 200 * 1000 * 1000 };

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

static int64_t read_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

int64_t tc_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

bool tc_pool_watch(tc_pool *pool, uint64_t mask, bool until_set, int64_t limit)
{
    if (!atomic_load_explicit(&pool->spin, memory_order_relaxed))
        return false;
    const int64_t begin = tc_now_ns();
    do {
        for (int i = 0; i < 32; i++) {
            if (((atomic_load_explicit(&pool->state, memory_order_acquire) & mask) != 0) == until_set)
                return true;
            relax();
        }
    } while (tc_now_ns() - begin < limit);
    return false;
}

/* Who has claimed one of what is left takes the next from its side: the sides cannot cross. */
static void run_lane(tc_pool *pool, tc_lane *lane, bool own)
{
    const int64_t n = pool->n, grain = pool->grain;
    while (!tc_stopped() && atomic_load_explicit(&lane->left, memory_order_relaxed) > 0 &&
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

/* A system that is busy with other programs likes to start a thread where the one that woke it runs, and where it ran last.
 * There it would do the caller's work in its place, and watch while the caller waits. */
static void leave_callers_cpu(const tc_pool *pool)
{
    const int cpu = tc_this_cpu();
    if (cpu >= 0 && cpu == atomic_load_explicit(&pool->cpu, memory_order_relaxed))
        tc_leave_cpu(cpu);
}

/* Sleepers are counted before they look at the tickets for the last time, and the caller issues tickets before it
 * looks at the count (both sequentially consistent), so one of the two sees the other. Likewise in leave().
 * A worker that is woken too late for its region stays to watch for the next. */
static bool sleep_for_ticket(tc_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    bool taken = take_ticket(pool);
    if (!taken)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    const bool others = atomic_fetch_sub(&pool->sleepers, 1) > 1;
    pthread_mutex_unlock(&pool->mutex);
    if (!taken) {
        leave_callers_cpu(pool);
        taken = take_ticket(pool);
    }
    /* The caller woke one; each wakes two more, so that many are awake after a few steps. */
    if (taken && others && atomic_load(&pool->state) >= TC_TICKET)
        tc_pool_wake(pool, 2);
    return taken;
}

/* The account of a worker. */
typedef struct {
    int64_t time, ran;      /* when it was looked at last, and how long the thread had run by then */
    int64_t kept;           /* nanoseconds that others took, less the tenth */
} tc_account;

static void open_account(tc_account *a)
{
    a->time = tc_now_ns();
    a->ran = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* Looks at the account, and is away if it says so. */
static bool stays_away(tc_account *a)
{
    const tc_account last = *a;
    open_account(a);
    const int64_t passed = a->time - last.time, kept = passed - (a->ran - last.ran);
    a->kept = tc_max(0, a->kept + (kept < TURN_NS ? kept : 0) - passed / TENTH);
    if (a->kept < KEPT_NS)
        return false;
    const struct timespec away = {0, AWAY_NS};
    nanosleep(&away, NULL);
    a->kept = 0;
    open_account(a);
    return true;
}

static void wait_for_ticket(tc_pool *pool, tc_account *a)
{
    for (;;) {
        while (tc_pool_watch(pool, ~TC_INSIDE, true, BRIEF_NS) ||
               (!stays_away(a) && tc_pool_watch(pool, ~TC_INSIDE, true, WATCH_NS))) {
            leave_callers_cpu(pool);
            if (take_ticket(pool))
                return;
        }
        const bool taken = sleep_for_ticket(pool);
        open_account(a);
        if (taken)
            return;
    }
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
    tc_account account = {0};
    open_account(&account);
    fp_enter();
    for (;;) {
        wait_for_ticket(pool, &account);
        tc_stop.stopped = pool->stopped;
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
    while (pool->workers < wanted && !TC_POOL_REFUSED && pthread_create(&thread, &attributes, worker, pool) == 0)
        pool->workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    pool->asked = wanted;
}

#else

typedef int tc_no_threads_here;     /* ISO C wants a declaration */

#endif
